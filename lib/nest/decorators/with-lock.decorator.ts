import { Inject } from '@nestjs/common';
import type { HyperCacheNode } from '../../node/hyper-cache-node.js';
import { ModuleMissingError } from '../../common/errors.js';
import { assertKey } from '../../common/keys.js';
import { checkedLeaseTtl } from '../../locks/lock-arguments.js';
import type { LockOptions } from '../../locks/lock-factory.js';
import { HYPERCACHE_NODE } from '../hyper-cache.constants.js';

/** @publicApi */
export interface WithLockOptions extends LockOptions {
  /** Return undefined without calling the method when somebody else holds the lock. @default false */
  skipIfHeld?: boolean | undefined;
}

/** Where Nest puts the node on instances of classes that use the decorator. */
const NODE = Symbol('HyperCacheNode');

interface WithNode {
  readonly [NODE]?: HyperCacheNode;
}

/**
 * Runs a method of a provider or controller under a lock, alone among all callers on all processes. The method
 * becomes asynchronous. The class need not inject anything for it.
 *
 * Without `skipIfHeld` a call that does not obtain the lock, or not within `wait`, rejects with `HC_LOCK_TIMEOUT`;
 * a call whose lease ends before the method does rejects with `HC_LOCK_LOST`.
 *
 * @param name of the lock, or a function of the method's arguments
 * @publicApi
 */
export function WithLock<A extends unknown[] = unknown[]>(
  name: string | ((...args: A) => string),
  options: WithLockOptions,
): MethodDecorator {
  // A mistake shows when the class is loaded, not at three o'clock at night.
  if (typeof name === 'string') assertKey(name, 'name of the lock');
  checkedLeaseTtl(options?.ttl, Infinity);
  return (target, property, descriptor: PropertyDescriptor) => {
    // Nest injects properties into every instance, request-scoped ones included, and refuses to start without it.
    Inject(HYPERCACHE_NODE)(target, NODE);
    const method = descriptor.value as (...args: A) => unknown;
    const { skipIfHeld = false, ...lockOptions } = options;
    const locked = async function (this: WithNode, ...args: A): Promise<unknown> {
      const node = this[NODE];
      if (node === undefined) throw new ModuleMissingError(String(property));
      const lock = node.locks.lock(typeof name === 'string' ? name : name(...args), lockOptions);
      if (!skipIfHeld) return lock.run(() => method.apply(this, args));
      return lock.tryRun(() => method.apply(this, args));
    };
    copyMetadata(method, locked);
    descriptor.value = locked;
    return descriptor;
  };
}

/** Decorators below this one, such as `@Cron`, have left their metadata on the method itself. */
function copyMetadata(from: object, to: object): void {
  for (const key of Reflect.getMetadataKeys(from) as unknown[]) {
    Reflect.defineMetadata(key, Reflect.getMetadata(key, from), to);
  }
  Object.defineProperty(to, 'name', { value: Reflect.get(from, 'name'), configurable: true });
}
