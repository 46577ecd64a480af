import type { PolicyName, WrapContext, WrapOptions } from '../cache/policy.js';
import type { Served } from '../cache/factory-run.js';
import type { Duration } from '../common/duration.js';
import { staleSince } from '../common/expiry.js';
import { HyperCacheKeyvStore } from '../keyv/hyper-cache-keyv-store.js';
import type { HyperCacheNode, NodeCache } from '../node/hyper-cache-node.js';
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
import type { Entry, GetEntryOptions, Versioned, WrappedEntry } from './entry.js';
import { NodeAccess } from './node-access.js';
import { claimName, TypedCache } from './typed-cache.js';

/**
 * One named cache, with the features that cache-manager lacks. Times are milliseconds, or durations with their unit such as
 * `'30s'` and `'5m'`.
 *
 * Every method rejects with a `HyperCacheError`: `HC_KEY_INVALID`, `HC_TTL_INVALID`, `HC_VALUE_UNSUPPORTED`,
 * `HC_VALUE_TOO_LARGE` and `HC_ARGUMENT_INVALID` for invalid arguments; `HC_STORAGE_FULL`, `HC_STORAGE_BUSY`,
 * `HC_STORAGE_FAILED`, `HC_STORAGE_LOST`, `HC_QUEUE_FULL` and `HC_CLOSED` for writes that could not be stored. A read that
 * fails counts as a miss, and emits an 'error' event.
 *
 * @publicApi
 */
export class HyperCache extends NodeAccess {
  readonly #node: HyperCacheNode;
  readonly #cache: NodeCache;
  readonly #typed = new WeakMap<AnyDefinition, TypedCache<AnyDefinition>>();

  /** @internal Injected. Applications never construct it. */
  constructor(node: HyperCacheNode, cache: NodeCache) {
    super(node);
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
   * @param options `stale`: also finds an entry that is past its ttl and kept for `stale` or `grace`. @default false
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
   * Stores the value, and replaces the previous value, ttl, windows and tags. With `stale` or `grace`, the entry stays for this
   * time after its ttl for a later `wrap`; all other reads then miss it.
   *
   * @param options a ttl in ms or as a duration such as `'5m'`, or more
   * @throws {HC_ARGUMENT_INVALID} for example for a window behind a ttl of 0
   */
  async set<T>(key: string, value: T, options?: Duration | SetOptions): Promise<void> {
    await this.#cache.set(key, value, checkedOptions('set', options));
  }

  /** Sets all entries or, if one is not acceptable, none. */
  async mset(
    entries: readonly ({ key: string; value: unknown } & Omit<SetOptions, 'fence'>)[],
  ): Promise<void> {
    for (const entry of entries) checkedOptions('mset', entry);
    await this.#cache.mset(entries);
  }

  /** Stores the value if the key is missing or expired, atomically. Resolves to whether it did. */
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
   * @param revision the result of {@link getWithRevision}; 0 stores only a missing key
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
   * Makes the entry stale: from now on, only calls that may serve stale values find it, for its windows. An entry without a
   * window is deleted. The result of a factory that began before is not stored. Resolves to whether the entry was fresh.
   */
  async expire(key: string): Promise<boolean> {
    return this.#cache.expire(key);
  }

  /** As {@link expire}, for all entries that have this tag at the time of the call. Resolves to how many were fresh. */
  async expireByTag(tag: string): Promise<number> {
    return this.#cache.expireTag(tag);
  }

  /** As {@link expire}, for all entries with this prefix at the time of the call. Resolves to how many were fresh. */
  async expireByPrefix(prefix: string): Promise<number> {
    return this.#cache.expirePrefix(prefix);
  }

  /** Deletes the entry. Resolves to whether there was a live one (always true with `durability: 'relaxed'`). */
  async del(key: string): Promise<boolean> {
    return this.#cache.delete(key);
  }

  /** Deletes the entries. Resolves to how many were live. */
  async mdel(keys: readonly string[]): Promise<number> {
    const deleted = await this.#cache.mdelete(keys);
    return deleted.filter(Boolean).length;
  }

  /** Reads the value and deletes it. When several callers do this at the same time, one of them gets the value. */
  async pull<T>(key: string): Promise<T | undefined> {
    return (await this.#cache.pull(key)) as T | undefined;
  }

  /**
   * Gives a live entry a new deadline. Resolves to whether there was one.
   *
   * @param ttl milliseconds from now, or a duration; 0 means no expiry; undefined means the cache's ttl
   */
  async touch(key: string, ttl?: Duration): Promise<boolean> {
    return this.#cache.touch(key, checkedTtl(ttl));
  }

  /**
   * Adds to a counter, atomically. Resolves to its new value. An existing counter keeps its ttl.
   *
   * @throws {HC_NOT_AN_INTEGER | HC_NUMBER_RANGE}
   */
  async increment(key: string, by = 1, options?: IncrementOptions): Promise<number> {
    return this.#cache.increment(key, by, options && checkedOptions('increment', options));
  }

  /** As {@link increment}, but subtracts. */
  async decrement(key: string, by = 1, options?: IncrementOptions): Promise<number> {
    // A value that is no number is passed on unchanged and then refused.
    const amount = typeof by === 'number' ? -by : by;
    return this.#cache.increment(key, amount, options && checkedOptions('decrement', options));
  }

  /**
   * Returns the value, or the result of the factory, which is stored unless it is undefined. Concurrent callers share one call
   * of the factory. If the key is set, deleted or cleared meanwhile, the result is returned but not stored. With `stale` and
   * `grace`, a value past its ttl is served while it is refreshed, or when the refresh fails.
   *
   * @example
   * ```ts
   * const product = await cache.wrap('product:1', () => load(1), { ttl: '5m', stale: '1m', grace: '1h' });
   * console.log(product.price);
   * ```
   * @param options a ttl in ms or as a duration, the name of a policy, or more
   * @throws {HC_ARGUMENT_INVALID} for contradictory options, and for a factory that waits for itself: it wraps the same key, or
   * waits for a call that does
   * @throws {HC_FACTORY_TIMEOUT} the factory has not ended within `timeout`, or 5 minutes
   */
  async wrap<T>(
    key: string,
    factory: (context: WrapContext<T>) => T | Promise<T>,
    options?: Duration | PolicyName | WrapOptions<T>,
  ): Promise<T> {
    const given = checkedWrap(options);
    const value = this.#cache.wrapValue(key, factory as Factory, given);
    // A hit is already available: awaiting it would cost as much as finding it.
    return (value instanceof Promise ? await value : value) as T;
  }

  /** As {@link wrap}, with the data of the entry: whether it is stale and why, where it was found, and its deadlines. */
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

  /** Deletes the entries with this prefix at the time of the call. Resolves to how many live ones it removed. */
  async delByPrefix(prefix: string): Promise<number> {
    return this.#cache.deletePrefix(prefix);
  }

  /** Deletes the entries that have this tag at the time of the call. Resolves to how many live ones it removed. */
  async delByTag(tag: string): Promise<number> {
    return this.#cache.deleteTag(tag);
  }

  /** Deletes everything in this cache, and in no other. Resolves to how many entries it removed. */
  async clear(): Promise<number> {
    return this.#cache.clear();
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

  /** Makes a new Keyv storage adapter on this cache, one for each Keyv. Its `disconnect()` leaves the cache open. */
  keyvStore(): HyperCacheKeyvStore {
    return new HyperCacheKeyvStore({ node: this.#node, cache: this.#cache });
  }
}

/** Undefined for an entry that never ends. */
function ended(at: number | undefined): number | undefined {
  return at === Infinity ? undefined : at;
}
