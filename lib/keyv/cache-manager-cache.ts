import type { EventEmitter } from 'node:events';
import { createCache, type Cache, type CreateCacheOptions } from 'cache-manager';
import type { NodeCache, NodeWrapOptions } from '../node/hyper-cache-node.js';
import type { WrapContext, WrapOptions } from '../cache/policy.js';
import type { Factory } from '../cache/wrap-options.js';
import { staleSince } from '../common/expiry.js';
import { KeyvView, rawEntry } from './keyv-view.js';
import { storeAll } from './store-all.js';

type Stores = NonNullable<CreateCacheOptions['stores']>;
type Hot = Pick<Cache, 'get' | 'set' | 'mget' | 'mset' | 'del' | 'mdel' | 'wrap'>;

/** The options of cache-manager's `wrap`, and the fields of a policy. */
type WrapArguments = NodeWrapOptions & { readonly raw?: boolean };

/**
 * What is injected as `CACHE_MANAGER`: cache-manager's `Cache`, whose `wrap` also takes the fields of a policy. With `raw`
 * its result then shows whether it is stale.
 *
 * @publicApi
 */
export type HyperCacheManager = {
  wrap<T>(
    key: string,
    factory: (context: WrapContext<T>) => T | Promise<T>,
    options: WrapOptions<T> & { raw: true },
  ): Promise<{ value: T; expires?: number; isStale: boolean }>;
  wrap<T>(
    key: string,
    factory: (context: WrapContext<T>) => T | Promise<T>,
    options: WrapOptions<T> & { raw?: false },
  ): Promise<T>;
} & Cache;

/** The options that cache-manager itself knows. */
const OWN_FIELDS = ['ttl', 'refreshThreshold', 'raw'];

/** What cache-manager calls its first store in events. */
const STORE = 'primary';

/**
 * cache-manager's own `Cache` on a node. `ttl`, `clear`, `on`, `off`, `disconnect`, `cacheId` and `stores` remain
 * cache-manager's, over a Keyv-shaped view. Our methods with the same semantics replace the hot ones, because cache-manager's
 * wrappers cost several times the lookup itself.
 *
 * @param flush commits what waits; `disconnect` calls it
 * @internal
 */
export function createCacheManagerCache(cache: NodeCache, flush: () => Promise<void>): Cache {
  const view = new KeyvView(cache, flush);
  // Structurally it has all that cache-manager calls on a Keyv; the class itself has private fields.
  const stores = [view] as unknown as Stores;
  const manager = createCache({ stores });
  return Object.assign(manager, hotMethods(cache, emitterOf(manager)));
}

/** cache-manager keeps its emitter to itself, but `off` returns it. */
function emitterOf(manager: Cache): EventEmitter {
  return manager.off('clear', () => undefined);
}

function hotMethods(cache: NodeCache, events: EventEmitter): Hot {
  const hasListeners = (event: string): boolean => events.listenerCount(event) > 0;
  // Read on each hit: counting the listeners took a tenth of its time.
  let hasGetListener = false;
  events.on('newListener', (event) => (hasGetListener ||= event === 'get'));
  events.on('removeListener', () => (hasGetListener = hasListeners('get')));
  const defaultTtl = cache.defaultTtl === 0 ? undefined : cache.defaultTtl;

  /** As everywhere in cache-manager, undefined is a miss. */
  const store = (key: string, value: unknown, ttl: number | undefined): Promise<unknown> => {
    if (value === undefined) return cache.delete(key);
    return cache.set(key, value, ttl === undefined ? undefined : { ttl });
  };

  /** Runs a write; a failure is an event too, as in cache-manager. */
  const withEvent = async <T>(
    event: string,
    details: object,
    write: () => Promise<T>,
  ): Promise<T> => {
    try {
      const result = await write();
      if (hasListeners(event)) events.emit(event, details);
      return result;
    } catch (error) {
      if (hasListeners(event)) events.emit(event, { ...details, error });
      throw error;
    }
  };

  const onStored = (key: string, value: unknown): void => {
    if (!hasListeners('set')) return;
    events.emit('set', { key, value, store: STORE });
    events.emit('set', { key, value });
  };

  const onRefreshed = (key: string, value: unknown, error: unknown): void => {
    if (!hasListeners('refresh')) return;
    events.emit('refresh', error === undefined ? { key, value } : { key, value, error });
  };

  /** cache-manager's own factories are called without arguments, because arguments might mean something to them. */
  const plainWrap: NodeWrapOptions = { isBare: true, onStored, onRefreshed };

  const methods = {
    async get(key: string): Promise<unknown> {
      if (!hasGetListener) return cache.get(key);
      try {
        const value = await cache.get(key);
        if (value !== undefined) events.emit('get', { key, value, store: STORE });
        return value;
      } catch (error) {
        events.emit('get', { key, error, store: STORE });
        throw error;
      }
    },

    async mget(keys: string[]): Promise<unknown[]> {
      const values = await cache.mget(keys);
      if (hasListeners('mget')) events.emit('mget', { keys, values });
      return values;
    },

    async set(key: string, value: unknown, ttl?: number): Promise<unknown> {
      if (!hasListeners('set')) {
        await store(key, value, ttl);
        return value;
      }
      await withEvent('set', { key, value }, async () => {
        await store(key, value, ttl);
        events.emit('set', { key, value, store: STORE });
      });
      return value;
    },

    async mset(entries: { key: string; value: unknown; ttl?: number }[]): Promise<unknown> {
      const list = entries.map(({ key, value, ttl }) => ({
        key,
        value,
        ttl: ttl ?? defaultTtl,
      }));
      await withEvent('mset', { list }, () => storeAll(cache, list));
      return list;
    },

    async del(key: string): Promise<boolean> {
      await withEvent('del', { key }, () => cache.delete(key));
      return true;
    },

    async mdel(keys: string[]): Promise<boolean> {
      await withEvent('mdel', { keys }, () => cache.mdelete(keys));
      return true;
    },

    async wrap(
      key: string,
      factory: Factory,
      ttlOrOptions?: WrapArguments['ttl'] | WrapArguments,
      refreshThreshold?: WrapArguments['refreshThreshold'],
    ): Promise<unknown> {
      const isObject = typeof ttlOrOptions === 'object' && ttlOrOptions !== null;
      if (!isObject && ttlOrOptions === undefined && refreshThreshold === undefined) {
        return cache.wrapValue(key, factory, plainWrap);
      }
      const { raw, ...given }: WrapArguments = isObject
        ? ttlOrOptions
        : { ttl: ttlOrOptions, refreshThreshold };
      const hasPolicy = Object.keys(given).some((name) => !OWN_FIELDS.includes(name));
      // As in cache-manager, the next hit tries again.
      const options = hasPolicy
        ? { ...given, onStored, onRefreshed }
        : { ...plainWrap, ...given, retryAfter: 0 };
      if (raw !== true) return cache.wrapValue(key, factory, options);
      const entry = await cache.wrap(key, factory, options);
      const shown = rawEntry(cache.release(entry.value), staleSince(entry));
      if (!hasPolicy) return shown;
      return { ...shown, isStale: entry.layer !== 'factory' && !cache.isFresh(entry) };
    },
  };
  // The types of cache-manager are generic in the value, which a cache cannot check.
  return methods as unknown as Hot;
}
