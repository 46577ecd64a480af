import { Inject, Logger } from '@nestjs/common';
import type { HyperCacheNode } from '../../node/hyper-cache-node.js';
import {
  ModuleMissingError,
  PrimaryTimeoutError,
  PrimaryUnreachableError,
  type HyperCacheError,
} from '../../common/errors.js';
import { assertKey } from '../../common/keys.js';
import { checkedLeaseTtl } from '../../locks/lock-arguments.js';
import type { Lock } from '../../locks/lock.js';
import type { LockOptions } from '../../locks/lock-factory.js';
import { checkFields } from '../call-options.js';
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
  checkFields('WithLock', options);
  return (target, property, descriptor: PropertyDescriptor) => {
    // Nest injects properties into every instance, request-scoped ones included, and refuses to start without it.
    Inject(HYPERCACHE_NODE)(target, NODE);
    const method = descriptor.value as (...args: A) => unknown;
    const { skipIfHeld = false, ...lockOptions } = options;
    const skips = new Skips(String(property));
    const locked = async function (this: WithNode, ...args: A): Promise<unknown> {
      const node = this[NODE];
      if (node === undefined) throw new ModuleMissingError(String(property));
      const lock = node.locks.lock(typeof name === 'string' ? name : name(...args), lockOptions);
      if (!skipIfHeld) return lock.run(() => method.apply(this, args));
      return skips.unlessAway(lock, () => method.apply(this, args));
    };
    copyMetadata(method, locked);
    descriptor.value = locked;
    return descriptor;
  };
}

/** Calls that are left out. That the primary cannot be asked is told once, not at each tick of a clock. */
class Skips {
  #isAway = false;

  constructor(private readonly method: string) {}

  async unlessAway(lock: Lock, work: () => unknown): Promise<unknown> {
    let hasBegun = false;
    try {
      const result = await lock.tryRun(() => {
        hasBegun = true;
        return work();
      });
      this.#isAway = false;
      return result;
    } catch (error) {
      if (hasBegun || !isAway(error)) throw error;
      if (!this.#isAway) {
        const why = `${error.code}: ${error.message}`;
        new Logger('HyperCache').warn(
          `${this.method}() is left out until its lock can be had. ${why}`,
        );
      }
      this.#isAway = true;
      return undefined;
    }
  }
}

function isAway(error: unknown): error is HyperCacheError {
  return error instanceof PrimaryUnreachableError || error instanceof PrimaryTimeoutError;
}

/** Decorators below this one, such as `@Cron`, have left their metadata on the method itself. */
function copyMetadata(from: object, to: object): void {
  for (const key of Reflect.getMetadataKeys(from) as unknown[]) {
    Reflect.defineMetadata(key, Reflect.getMetadata(key, from), to);
  }
  Object.defineProperty(to, 'name', { value: Reflect.get(from, 'name'), configurable: true });
}
