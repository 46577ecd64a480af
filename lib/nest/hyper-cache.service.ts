import type { PolicyName, WrapContext, WrapOptions } from '../cache/policy.js';
import type { Served } from '../cache/factory-run.js';
import type { Duration } from '../common/duration.js';
import type { HyperCacheEvent, HyperCacheListener } from '../common/events.js';
import { staleSince } from '../common/expiry.js';
import { HyperCacheKeyvStore } from '../keyv/hyper-cache-keyv-store.js';
import type { Lock, LockContext } from '../locks/lock.js';
import type { LockInfo, LockOptions, SemaphoreOptions } from '../locks/lock-factory.js';
import type {
  BackupSummary,
  DeadLetterInfo,
  HyperCacheNode,
  HyperCacheHealth,
  HyperCacheStats,
  NodeCache,
} from '../node/hyper-cache-node.js';
import type { RunInfo, RunOnceOptions, RunSlotOptions } from '../node/runs.js';
import type { ThrottleOptions, ThrottleResult } from '../node/throttles.js';
import type { Factory } from '../cache/wrap-options.js';
import {
  checkedOptions,
  checkedWrap,
  checkedTtl,
  checkFields,
  type IncrementOptions,
  type SetOptions,
} from './call-options.js';
import type { AnyDefinition } from './cache-definition.js';
import { checkedCount, checkedPath, checkedTimeout } from './checked-arguments.js';
import { claimName, TypedCache } from './typed-cache.js';

/** A value and the revision of its last change. @publicApi */
export interface Versioned<T> {
  value: T | undefined;
  /** 0 when the key is missing. */
  revision: number;
}

/** How `getEntry` looks. @publicApi */
export interface GetEntryOptions {
  /** Whether an entry is found that is past its ttl, and kept for `stale` or `grace`. @default false */
  stale?: boolean | undefined;
}

/** A value with what is known of its entry. @publicApi */
export interface Entry<T> {
  value: T;
  /** Past its ttl. */
  isStale: boolean;
  /** Memory, this node's file (or a write that waits for it), or the primary. */
  source: 'l1' | 'l2' | 'primary';
  /** When it stops being fresh, or did, in Unix ms; undefined when it never expires. */
  freshUntil: number | undefined;
  /** When it is gone, its windows included, in Unix ms; undefined when it never expires. */
  expiresAt: number | undefined;
}

/** What `wrapEntry` tells of a value. @publicApi */
export interface WrappedEntry<T> extends Omit<Entry<T>, 'source'> {
  /** Memory, this node's file, the primary, or the factory. */
  source: 'l1' | 'l2' | 'primary' | 'factory';
  /**
   * Why it is served though it is not new: it is refreshed in the background, or by another node; the factory has failed, or is
   * late; or it has failed a short time ago.
   */
  reason?: 'refreshing' | 'error' | 'timeout' | 'throttled';
  /** What the factory has failed with. */
  error?: unknown;
}

/**
 * One named cache, with what cache-manager lacks. Times are milliseconds, or durations with their unit such as `'30s'` and `'5m'`.
 *
 * Every method rejects with a `HyperCacheError`: `HC_KEY_INVALID`, `HC_TTL_INVALID`, `HC_VALUE_UNSUPPORTED`,
 * `HC_VALUE_TOO_LARGE` and `HC_ARGUMENT_INVALID` for what it was given, `HC_STORAGE_FULL`, `HC_STORAGE_BUSY`,
 * `HC_STORAGE_FAILED`, `HC_STORAGE_LOST`, `HC_QUEUE_FULL` and `HC_CLOSED` for writes that could not be stored.
 * A read that fails is a miss, and an 'error' event.
 *
 * @publicApi
 */
export class HyperCache {
  readonly #node: HyperCacheNode;
  readonly #cache: NodeCache;
  readonly #typed = new WeakMap<AnyDefinition, TypedCache<AnyDefinition>>();

  /** @internal Injected, never constructed by applications. */
  constructor(node: HyperCacheNode, cache: NodeCache) {
    this.#node = node;
    this.#cache = cache;
  }

  /** The namespace of this cache. */
  get namespace(): string {
    return this.#cache.namespace;
  }

  /** The value, or undefined when the key is missing or expired. */
  async get<T>(key: string): Promise<T | undefined> {
    return (await this.#cache.get(key)) as T | undefined;
  }

  /** The values in the order of the keys. */
  async mget<T>(keys: readonly string[]): Promise<(T | undefined)[]> {
    return (await this.#cache.mget(keys)) as (T | undefined)[];
  }

  async has(key: string): Promise<boolean> {
    return this.#cache.has(key);
  }

  /** When the entry stops being fresh, in Unix ms; undefined when it is missing or never expires. */
  async ttl(key: string): Promise<number | undefined> {
    return ended(await this.#cache.expiresAt(key));
  }

  /**
   * The entry with its deadlines, and where it was found; undefined when it is missing.
   *
   * @param options `stale`: also one that is past its ttl, and kept for `stale` or `grace`. @default false
   */
  async getEntry<T>(key: string, options?: GetEntryOptions): Promise<Entry<T> | undefined> {
    if (options !== undefined) checkFields('getEntry', options);
    const found = await (options?.stale === true
      ? this.#cache.findStale(key)
      : this.#cache.find(key));
    if (found === undefined) return undefined;
    return {
      value: this.#cache.release(found.value) as T,
      isStale: !this.#cache.isFresh(found),
      source: found.layer,
      freshUntil: ended(staleSince(found)),
      expiresAt: ended(found.expiresAt),
    };
  }

  /**
   * Stores the value, replacing value, ttl, windows and tags. With `stale` or `grace` it is kept for so long after its ttl, for
   * a later `wrap`; all other reads miss it then.
   *
   * @param options a ttl in ms or as a duration such as `'5m'`, or more
   * @throws {HC_ARGUMENT_INVALID} a window behind a ttl of 0, among others
   */
  async set<T>(key: string, value: T, options?: Duration | SetOptions): Promise<void> {
    await this.#cache.set(key, value, checkedOptions('set', options));
  }

  /** Sets all of them or, if one is not acceptable, none. */
  async mset(
    entries: readonly ({ key: string; value: unknown } & Omit<SetOptions, 'fence'>)[],
  ): Promise<void> {
    for (const entry of entries) checkedOptions('mset', entry);
    await this.#cache.mset(entries);
  }

  /** Stores the value if the key is missing or expired, atomically; resolves to whether it did. */
  async add<T>(
    key: string,
    value: T,
    options?: Duration | Omit<SetOptions, 'fence'>,
  ): Promise<boolean> {
    return this.#cache.add(key, value, checkedOptions('add', options));
  }

  /** The committed value and its revision, for {@link setIf}. */
  async getWithRevision<T>(key: string): Promise<Versioned<T>> {
    const { value, revision } = await this.#cache.getWithRevision(key);
    return { value, revision } as Versioned<T>;
  }

  /**
   * Compare-and-set: stores the value if the entry still has this revision.
   *
   * @param revision as {@link getWithRevision} returned it; 0 stores only a missing key
   */
  async setIf<T>(
    key: string,
    value: T,
    revision: number,
    options?: Duration | Omit<SetOptions, 'fence'>,
  ): Promise<{ stored: boolean; revision: number }> {
    return this.#cache.setIf(key, value, revision, checkedOptions('setIf', options));
  }

  /**
   * The entry is stale from now on: only what may serve stale values finds it, for its windows; one without a window is
   * deleted. What a factory makes that began before is not stored. Resolves to whether the entry was fresh.
   */
  async expire(key: string): Promise<boolean> {
    return this.#cache.expire(key);
  }

  /** As {@link expire}, what had this tag when it was called; resolves to how many entries were fresh. */
  async expireByTag(tag: string): Promise<number> {
    return this.#cache.expireTag(tag);
  }

  /** As {@link expire}, what was there with this prefix when it was called; resolves to how many entries were fresh. */
  async expireByPrefix(prefix: string): Promise<number> {
    return this.#cache.expirePrefix(prefix);
  }

  /** Resolves to whether there was a live entry (always true with `durability: 'relaxed'`). */
  async del(key: string): Promise<boolean> {
    return this.#cache.delete(key);
  }

  /** Resolves to how many live entries went. */
  async mdel(keys: readonly string[]): Promise<number> {
    const deleted = await this.#cache.mdelete(keys);
    return deleted.filter(Boolean).length;
  }

  /** The value, which is deleted by being read: of many callers at once one gets it. */
  async pull<T>(key: string): Promise<T | undefined> {
    return (await this.#cache.pull(key)) as T | undefined;
  }

  /**
   * Gives a live entry a new deadline; resolves to whether there was one.
   *
   * @param ttl milliseconds from now, or a duration; 0 means no expiry; undefined means the cache's ttl
   */
  async touch(key: string, ttl?: Duration): Promise<boolean> {
    return this.#cache.touch(key, checkedTtl(ttl));
  }

  /**
   * Adds to a counter, atomically; resolves to its new value. An existing counter keeps its ttl.
   *
   * @throws {HC_NOT_AN_INTEGER | HC_NUMBER_RANGE}
   */
  async increment(key: string, by = 1, options?: IncrementOptions): Promise<number> {
    return this.#cache.increment(key, by, options && checkedOptions('increment', options));
  }

  /** As {@link increment}, downwards. */
  async decrement(key: string, by = 1, options?: IncrementOptions): Promise<number> {
    // What is no number is left as it is, to be refused.
    const amount = typeof by === 'number' ? -by : by;
    return this.#cache.increment(key, amount, options && checkedOptions('decrement', options));
  }

  /**
   * The value, or what the factory makes, which is stored unless it is undefined. Callers at the same time
   * share one call of the factory. If the key is set, deleted or cleared meanwhile, the result is
   * returned but not stored. With `stale` and `grace` a value past its ttl is served while it is refreshed, or when that fails.
   *
   * @param options a ttl in ms or as a duration, the name of a policy, or more
   * @throws {HC_ARGUMENT_INVALID} for options that contradict each other, and a factory that waits for itself: it wraps the same
   *   key, or waits for one that does
   * @throws {HC_FACTORY_TIMEOUT} it has not ended within `timeout`, or 5 minutes
   */
  async wrap<T>(
    key: string,
    factory: (context: WrapContext<T>) => T | Promise<T>,
    options?: Duration | PolicyName | WrapOptions<T>,
  ): Promise<T> {
    const given = checkedWrap(options);
    const value = this.#cache.wrapValue(key, factory as Factory, given);
    // A hit is there already: awaiting it would cost as much as finding it.
    return (value instanceof Promise ? await value : value) as T;
  }

  /** As {@link wrap}, with what is known of the value: whether it is stale and why, where it was found, its deadlines. */
  async wrapEntry<T>(
    key: string,
    factory: (context: WrapContext<T>) => T | Promise<T>,
    options?: Duration | PolicyName | WrapOptions<T>,
  ): Promise<WrappedEntry<T>> {
    const given = checkedWrap(options);
    return this.#wrapped(await this.#cache.wrap(key, factory as Factory, given));
  }

  #wrapped<T>(served: Served): WrappedEntry<T> {
    const { layer, reason, error } = served;
    const isStale = layer !== 'factory' && !this.#cache.isFresh(served);
    return {
      value: this.#cache.release(served.value) as T,
      isStale,
      source: layer,
      freshUntil: ended(staleSince(served)),
      expiresAt: ended(served.expiresAt),
      ...(reason !== undefined && { reason }),
      ...(error !== undefined && { error }),
    };
  }

  /** Live keys with this prefix, in order of their UTF-8 bytes, read page by page. */
  keys(prefix = ''): AsyncIterableIterator<string> {
    return this.#cache.keys(prefix);
  }

  /** Deletes what was there when it was called; resolves to how many live entries went. */
  async delByPrefix(prefix: string): Promise<number> {
    return this.#cache.deletePrefix(prefix);
  }

  /** Deletes what had this tag when it was called; resolves to how many live entries went. */
  async delByTag(tag: string): Promise<number> {
    return this.#cache.deleteTag(tag);
  }

  /** Deletes everything in this cache, and in no other; resolves to how many entries went. */
  async clear(): Promise<number> {
    return this.#cache.clear();
  }

  /**
   * A handle on the lock of this name, not yet acquired. Lock names are the node's, whichever cache asks.
   *
   * @throws {HC_KEY_INVALID | HC_ARGUMENT_INVALID}
   */
  lock(name: string, options: LockOptions): Lock {
    checkFields('lock', options);
    return this.#node.locks.lock(name, options);
  }

  /**
   * A handle on a lock that `limit` owners may hold at once.
   *
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

  /** Who holds the lock of this name; undefined when it is free. */
  async inspectLock(name: string): Promise<LockInfo | undefined> {
    return this.#node.locks.inspect(name);
  }

  /** The locks and slots of semaphores that are held now, 10,000 at most. */
  async locks(): Promise<LockInfo[]> {
    return this.#node.locks.list();
  }

  /**
   * Counts a hit of a key, and says whether it is one too many: decided by the primary, atomically. Names of throttles
   * are the node's, whichever cache asks; `clear` does not touch them.
   *
   * @param key for whom is counted, such as an address
   * @throws {HC_KEY_INVALID | HC_ARGUMENT_INVALID}
   * @throws why it cannot be decided now, such as `HC_PRIMARY_UNREACHABLE`, with `onUnavailable: 'reject'`
   */
  async throttle(key: string, options: ThrottleOptions): Promise<ThrottleResult> {
    checkFields('throttle', Object(options));
    return this.#node.throttles.throttle(key, Object(options));
  }

  /**
   * Forgets the hits of a key, and its block; resolves to whether anything was known of it. Another secondary may answer
   * for a block that it knows of for one more second.
   *
   * @param name of the throttler; without one, of all
   * @throws {HC_KEY_INVALID} and why it cannot be done
   */
  async resetThrottle(key: string, name?: string): Promise<boolean> {
    return this.#node.throttles.reset(key, name);
  }

  /**
   * Calls the work if nothing of this name has run in the window, or for the slot, on any process or server, and resolves
   * to what it returns; to undefined when it is not to run. It never runs beside itself, and not while the primary is away.
   *
   * @param work gets a signal that aborts when the lease of the run is lost
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
   * Resolves when everything written before is committed: on a secondary, on the primary.
   *
   * @param timeout milliseconds, or a duration, after which it rejects with the reason, such as `HC_PRIMARY_UNREACHABLE`; what was
   *   written stays in the outbox. @default 10_000
   * @throws {HC_ARGUMENT_INVALID} and the reason
   */
  async flush(timeout?: Duration): Promise<void> {
    return this.#node.flush(checkedTimeout(timeout));
  }

  /**
   * Asynchronous writes of this node that the primary has refused for good, the newest first; 1,000 are kept.
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
   * How the node is, without asking its file or its primary: for probes. See `nestjs-hypercache/terminus` for Nest's health checks.
   */
  health(): HyperCacheHealth {
    return this.#node.health();
  }

  /**
   * Copies the file of this node to a path that is free, with everything that was committed when it was called or soon
   * after: one point in time, beside what goes on. To start a node from it, see docs/operations.md.
   *
   * @throws {HC_BACKUP_FAILED | HC_STORAGE_FULL | HC_CLOSED | HC_ARGUMENT_INVALID}
   */
  async backup(path: string): Promise<BackupSummary> {
    return this.#node.backup(checkedPath(path));
  }

  /** @internal See `defineCache`. */
  typed<D extends AnyDefinition>(definition: D): TypedCache<D> {
    const known = this.#typed.get(definition);
    if (known !== undefined) return known as unknown as TypedCache<D>;
    const claim = (): void => claimName(this.#node, this.namespace, definition);
    const typed = new TypedCache(definition, this.#cache, claim);
    this.#typed.set(definition, typed as never);
    return typed;
  }

  /** A Keyv storage adapter on this cache, a new one for each Keyv; its `disconnect()` leaves the cache open. */
  keyvStore(): HyperCacheKeyvStore {
    return new HyperCacheKeyvStore({ node: this.#node, cache: this.#cache });
  }

  /**
   * Listens to the whole node. A listener that throws or rejects is warned of once (`HyperCacheWarning`); the cache goes on.
   *
   * @throws {HC_ARGUMENT_INVALID}
   */
  on<E extends HyperCacheEvent>(event: E, listener: HyperCacheListener<E>): this {
    this.#node.on(event, listener);
    return this;
  }

  /** Takes a listener off; one that is not on is no error. */
  off<E extends HyperCacheEvent>(event: E, listener: HyperCacheListener<E>): this {
    this.#node.off(event, listener);
    return this;
  }
}

/** Undefined for what has no end. */
function ended(at: number | undefined): number | undefined {
  return at === Infinity ? undefined : at;
}
