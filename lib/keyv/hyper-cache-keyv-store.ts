import { EventEmitter } from 'node:events';
import { InvalidArgumentError } from '../common/errors.js';
import { createNode } from '../node/create-node.js';
import type { HyperCacheNode, NodeCache } from '../node/hyper-cache-node.js';
import type { HyperCacheOptions } from '../node/options.js';
import { resolveOptions } from '../node/resolve-options.js';
import { storeAll } from './store-all.js';

/** A node that is started and closed elsewhere. @internal */
export interface SharedCache {
  readonly node: HyperCacheNode;
  readonly cache: NodeCache;
}

/**
 * A storage adapter for Keyv 5 and newer, if you use Keyv itself: `new Keyv({ store })`. In a Nest application
 * `CACHE_MANAGER` needs no Keyv, and `HyperCache.keyvStore()` gives an adapter on the same file.
 *
 * The first operation opens the file, and `disconnect()` closes it.
 *
 * Each Keyv 5 needs its own store, because Keyv 5 does not pass its namespace to a store. A store that serves two namespaces
 * refuses `clear()` and `iterator()` with `HC_ARGUMENT_INVALID`. Keyv 6 itself puts its namespace before the keys.
 *
 * @publicApi
 */
export class HyperCacheKeyvStore extends EventEmitter {
  /** Keyv checks this to find out whether the store can be iterated. */
  readonly opts: { dialect: string; url: string; [name: string]: unknown };
  readonly #options: HyperCacheOptions | undefined;
  readonly #shared: SharedCache | undefined;
  /** Whether keys came with the namespace of Keyv 5 as a prefix, and whether keys came without it. */
  readonly #keys = { prefixed: false, bare: false };
  #own: Promise<SharedCache> | undefined;
  #closing: Promise<void> = Promise.resolve();

  /**
   * @param target options as for `HyperCacheModule.forRoot()`, validated at the first operation
   */
  constructor(target: HyperCacheOptions | SharedCache = {}) {
    super();
    if ('node' in target) this.#shared = target;
    else this.#options = target;
    this.opts = { dialect: 'sqlite', url: 'sqlite://hypercache' };
  }

  async get(key: string): Promise<unknown> {
    return (await this.#cacheOf(key)).get(key);
  }

  async getMany(keys: string[]): Promise<unknown[]> {
    return (await this.#cacheOf(...keys)).mget(keys);
  }

  async set(key: string, value: unknown, ttl?: number): Promise<boolean> {
    const cache = await this.#cacheOf(key);
    if (value === undefined) await cache.delete(key);
    else await cache.set(key, value, { ttl });
    return true;
  }

  async setMany(entries: { key: string; value: unknown; ttl?: number }[]): Promise<void> {
    await storeAll(await this.#cacheOf(...entries.map(({ key }) => key)), entries);
  }

  async delete(key: string): Promise<boolean> {
    return (await this.#cacheOf(key)).delete(key);
  }

  async deleteMany(keys: string[]): Promise<boolean> {
    const deleted = await (await this.#cacheOf(...keys)).mdelete(keys);
    return deleted.includes(true);
  }

  async has(key: string): Promise<boolean> {
    return (await this.#cacheOf(key)).has(key);
  }

  async hasMany(keys: string[]): Promise<boolean[]> {
    const cache = await this.#cacheOf(...keys);
    return Promise.all(keys.map((key) => cache.has(key)));
  }

  /** Removes the entries of the namespace of Keyv 5; without one, all of them. */
  async clear(): Promise<void> {
    const prefix = this.#prefix();
    const cache = await this.#cache();
    if (prefix === '') await cache.clear();
    else await cache.deletePrefix(prefix);
  }

  /** @param namespace Keyv 5 repeats its own; Keyv 6 skips the keys that do not begin with it */
  async *iterator(namespace?: string): AsyncGenerator<[string, unknown], void> {
    const prefix = this.#namespace() === undefined ? (namespace ?? '') : this.#prefix();
    const cache = await this.#cache();
    for await (const key of cache.keys(prefix)) {
      const value = await cache.get(key);
      if (value !== undefined) yield [key, value];
    }
  }

  /** Commits what waits; closes the file if this store opened it. Idempotent. */
  async disconnect(): Promise<void> {
    if (this.#shared !== undefined) return this.#shared.node.flush();
    if (this.#own === undefined) return this.#closing;
    const own = this.#own;
    // Takes the same path as earlier operations, so their writes are in the queue when it closes.
    const cache = this.#cache();
    this.#own = undefined;
    this.#closing = cache.then(
      async () => (await own).node.close(),
      () => undefined,
    );
    return this.#closing;
  }

  /** The namespace that Keyv 5 assigned. Not a property of this class: Keyv 6 leaves its namespace to a store that has one. */
  #namespace(): string | undefined {
    const namespace: unknown = Reflect.get(this, 'namespace');
    return typeof namespace === 'string' && namespace !== '' ? namespace : undefined;
  }

  /** The prefix of the keys of Keyv 5: empty without a namespace, or with `useKeyPrefix: false`. */
  #prefix(): string {
    const namespace = this.#namespace();
    if (namespace === undefined) return '';
    if (!this.#keys.bare) return `${namespace}:`;
    if (!this.#keys.prefixed) return '';
    throw new InvalidArgumentError(
      'This Keyv store serves keys of several namespaces, and Keyv 5 does not say which one it means.',
      'Give each Keyv its own store: new Keyv({ store: cache.keyvStore() }).',
    );
  }

  async #cacheOf(...keys: string[]): Promise<NodeCache> {
    const namespace = this.#namespace();
    if (namespace !== undefined) {
      for (const key of keys) {
        this.#keys[key.startsWith(`${namespace}:`) ? 'prefixed' : 'bare'] = true;
      }
    }
    return this.#cache();
  }

  async #cache(): Promise<NodeCache> {
    if (this.#shared !== undefined) return this.#shared.cache;
    this.#own ??= this.#open();
    return (await this.#own).cache;
  }

  #open(): Promise<SharedCache> {
    const opened = this.#closing.then(() => open(this.#options));
    opened.catch(() => {
      if (this.#own === opened) this.#own = undefined;
    });
    return opened;
  }
}

async function open(options: HyperCacheOptions | undefined): Promise<SharedCache> {
  const resolved = resolveOptions(options);
  const node = createNode(resolved);
  await node.start();
  return { node, cache: node.cache(resolved.namespace) };
}
