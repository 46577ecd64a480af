import type { Duration } from '../common/duration.js';
import type { HyperCacheEvent, HyperCacheListener } from '../common/events.js';
import type { Lock, LockContext } from '../locks/lock.js';
import type { LockInfo, LockOptions, SemaphoreOptions } from '../locks/lock-factory.js';
import type {
  BackupSummary,
  DeadLetterInfo,
  HyperCacheNode,
  HyperCacheHealth,
  HyperCacheStats,
} from '../node/hyper-cache-node.js';
import type { RunInfo, RunOnceOptions, RunSlotOptions } from '../node/runs.js';
import type { ThrottleOptions, ThrottleResult } from '../node/throttles.js';
import { checkFields } from './call-options.js';
import { checkedCount, checkedPath, checkedTimeout } from './checked-arguments.js';

/**
 * What all caches of a node share: locks, throttles, runs, events, and the node itself.
 *
 * @publicApi
 */
export abstract class NodeAccess {
  readonly #node: HyperCacheNode;

  /** @internal */
  constructor(node: HyperCacheNode) {
    this.#node = node;
  }

  /**
   * A handle on the lock of this name, not yet acquired. All caches of the node share the lock names.
   *
   * @example
   * ```ts
   * const lock = cache.lock('invoices', { ttl: '30s', wait: '5s' });
   * await lock.run(async () => {
   *   // One caller at a time, on all servers.
   * });
   * ```
   * @throws {HC_KEY_INVALID | HC_ARGUMENT_INVALID}
   */
  lock(name: string, options: LockOptions): Lock {
    checkFields('lock', options);
    return this.#node.locks.lock(name, options);
  }

  /**
   * A handle on a lock that up to `limit` owners may hold at the same time.
   *
   * @example
   * ```ts
   * const slot = cache.semaphore('reports', { ttl: '30s', limit: 3 });
   * if (await slot.acquire()) await slot.release();
   * ```
   * @throws {HC_KEY_INVALID | HC_ARGUMENT_INVALID}
   */
  semaphore(name: string, options: SemaphoreOptions): Lock {
    checkFields('semaphore', options);
    return this.#node.locks.semaphore(name, options);
  }

  /** A handle on a lock that another handle, perhaps of another process, has acquired for this owner. */
  restoreLock(name: string, owner: string, options?: Partial<LockOptions>): Lock {
    if (options !== undefined) checkFields('restoreLock', options);
    return this.#node.locks.restore(name, owner, options);
  }

  /** The holder of the lock of this name; undefined when it is free. */
  async inspectLock(name: string): Promise<LockInfo | undefined> {
    return this.#node.locks.inspect(name);
  }

  /** The locks and semaphore slots that are now held, 10,000 at most. */
  async locks(): Promise<LockInfo[]> {
    return this.#node.locks.list();
  }

  /**
   * Counts a hit of a key, and decides whether it is one too many. The primary decides, atomically. All caches of the node
   * share the names of throttles, and `clear` does not touch them.
   *
   * @param key the subject to count, such as an address
   * @throws {HC_KEY_INVALID | HC_ARGUMENT_INVALID}
   * @throws why it cannot be decided now, such as `HC_PRIMARY_UNREACHABLE`, with `onUnavailable: 'reject'`
   */
  async throttle(key: string, options: ThrottleOptions): Promise<ThrottleResult> {
    checkFields('throttle', Object(options));
    return this.#node.throttles.throttle(key, Object(options));
  }

  /**
   * Forgets the hits of a key and its block. Resolves to whether anything was known. Another secondary may apply a block that
   * it knows for up to one more second.
   *
   * @param name of the throttler; all throttlers if omitted
   * @throws {HC_KEY_INVALID} and the reason why it cannot be done
   */
  async resetThrottle(key: string, name?: string): Promise<boolean> {
    return this.#node.throttles.reset(key, name);
  }

  /**
   * Calls the work if nothing of this name has run in the window, or for the slot, on any process or server. Resolves to its
   * result, or to undefined when it must not run. The work never runs twice at the same time, and not while the primary is
   * unreachable.
   *
   * @param work receives a signal that aborts when the lease of the run is lost
   * @throws {HC_KEY_INVALID | HC_ARGUMENT_INVALID} what the work throws, and `HC_LOCK_LOST`
   */
  async runOnce<T>(
    name: string,
    options: RunOnceOptions | RunSlotOptions,
    work: (context: LockContext) => T | Promise<T>,
  ): Promise<T | undefined> {
    return this.#node.runs.run(name, options, work);
  }

  /** The last run of a name (`runOnce`, `@RunOnce`, `@ClusterCron`); undefined when there was none. */
  async lastRun(name: string): Promise<RunInfo | undefined> {
    return this.#node.runs.last(name);
  }

  /**
   * Resolves when all earlier writes are committed. On a secondary, it waits for the primary.
   *
   * @param timeout milliseconds, or a duration, after which it rejects with the reason, such as `HC_PRIMARY_UNREACHABLE`; the
   * writes stay in the outbox. @default 10_000
   * @throws {HC_ARGUMENT_INVALID} and the reason
   */
  async flush(timeout?: Duration): Promise<void> {
    return this.#node.flush(checkedTimeout(timeout));
  }

  /**
   * Asynchronous writes of this node that the primary has finally refused, the newest first; 1,000 are kept.
   *
   * @param limit how many at most. @default 100
   * @throws {HC_ARGUMENT_INVALID}
   */
  async deadLetters(limit = 100): Promise<readonly DeadLetterInfo[]> {
    return this.#node.deadLetters(checkedCount(limit));
  }

  /** Counters and gauges of the whole node. */
  async stats(): Promise<HyperCacheStats> {
    return this.#node.stats();
  }

  /**
   * The state of the node, without a request to its file or its primary: for probes. See `nestjs-hypercache/terminus` for
   * Nest's health checks.
   */
  health(): HyperCacheHealth {
    return this.#node.health();
  }

  /**
   * Copies the file of this node to an unused path. The copy has everything that was committed when it was called or soon
   * after, at one point in time, and other work goes on meanwhile. To start a node from it, see docs/operations.md.
   *
   * @throws {HC_BACKUP_FAILED | HC_STORAGE_FULL | HC_CLOSED | HC_ARGUMENT_INVALID}
   */
  async backup(path: string): Promise<BackupSummary> {
    return this.#node.backup(checkedPath(path));
  }

  /**
   * Listens to the whole node. A listener that throws or rejects causes one warning (`HyperCacheWarning`), and the cache
   * continues.
   *
   * @throws {HC_ARGUMENT_INVALID}
   */
  on<E extends HyperCacheEvent>(event: E, listener: HyperCacheListener<E>): this {
    this.#node.on(event, listener);
    return this;
  }

  /** Removes a listener. An unknown listener is no error. */
  off<E extends HyperCacheEvent>(event: E, listener: HyperCacheListener<E>): this {
    this.#node.off(event, listener);
    return this;
  }
}
