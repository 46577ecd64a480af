import { Logger } from '@nestjs/common';
import type { HyperCacheNode } from '../../node/hyper-cache-node.js';
import {
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
import { injectedMethod } from './injected-method.js';

/** The options of `@WithLock`: those of a lock, and what happens while another caller holds it. @publicApi */
export interface WithLockOptions extends LockOptions {
  /** Return undefined without calling the method when another caller holds the lock. @default false */
  skipIfHeld?: boolean | undefined;
}

/**
 * Runs a method of a provider or controller under a lock, alone among all callers on all processes. The method becomes
 * asynchronous. The class need not inject anything.
 *
 * Without `skipIfHeld`, a call that does not obtain the lock, or not within `wait`, rejects with `HC_LOCK_TIMEOUT`. A call
 * whose lease ends before the method does rejects with `HC_LOCK_LOST`.
 *
 * @example
 * ```ts
 * export class Invoices {
 *   @WithLock('invoices', { ttl: '30s', wait: '5s', renew: true })
 *   async send(): Promise<void> {
 *     // One caller at a time, on all servers.
 *   }
 * }
 * ```
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
  const { skipIfHeld = false, ...lockOptions } = options;
  return injectedMethod<HyperCacheNode>('WithLock', HYPERCACHE_NODE, (method) => {
    const skips = new Skips(method.name);
    return {
      call: ({ injected, args, proceed }) => {
        const lockName = typeof name === 'string' ? name : name(...(args as A));
        const lock = injected.locks.lock(lockName, lockOptions);
        return skipIfHeld ? skips.unlessAway(lock, proceed) : lock.run(proceed);
      },
    };
  });
}

/** The skipped calls. An unreachable primary is reported once, not at each tick of a clock. */
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
          `${this.method}() is skipped until its lock is available. ${why}`,
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
