import { EventEmitter } from 'node:events';
import { createNode } from '../node/create-node.js';
import type { HyperCacheNode, NodeCache } from '../node/hyper-cache-node.js';
import type { HyperCacheOptions } from '../node/options.js';
import { resolveOptions } from '../node/resolve-options.js';
import { storeAll } from './store-all.js';

/** A node that somebody else starts and closes. @internal */
export interface SharedCache {
  readonly node: HyperCacheNode;
  readonly cache: NodeCache;
}

/**
 * A storage adapter for Keyv 5 and newer, for those who use Keyv itself: `new Keyv({ store })`. In a Nest
 * application `CACHE_MANAGER` needs no Keyv, and `HyperCache.keyvStore()` gives an adapter on the same file.
 *
 * The file is opened at the first operation and closed by `disconnect()`.
 *
 * @publicApi
 */
export class HyperCacheKeyvStore extends EventEmitter {
  /** Keyv looks here to find out whether the store can be iterated. */
  readonly opts: { dialect: string; url: string; [name: string]: unknown };
  /** Set by Keyv; its keys arrive with this prefix and a colon. */
  namespace: string | undefined;
  readonly #options: HyperCacheOptions | undefined;
  readonly #shared: SharedCache | undefined;
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
    return (await this.#cache()).get(key);
  }

  async getMany(keys: string[]): Promise<unknown[]> {
    return (await this.#cache()).mget(keys);
  }

  async set(key: string, value: unknown, ttl?: number): Promise<boolean> {
    const cache = await this.#cache();
    if (value === undefined) await cache.delete(key);
    else await cache.set(key, value, { ttl });
    return true;
  }

  async setMany(entries: { key: string; value: unknown; ttl?: number }[]): Promise<void> {
    await storeAll(await this.#cache(), entries);
  }

  async delete(key: string): Promise<boolean> {
    return (await this.#cache()).delete(key);
  }

  async deleteMany(keys: string[]): Promise<boolean> {
    const deleted = await (await this.#cache()).mdelete(keys);
    return deleted.includes(true);
  }

  async has(key: string): Promise<boolean> {
    return (await this.#cache()).has(key);
  }

  async hasMany(keys: string[]): Promise<boolean[]> {
    const cache = await this.#cache();
    return Promise.all(keys.map((key) => cache.has(key)));
  }

  /** Removes the entries of Keyv's namespace; without one, all of them. */
  async clear(): Promise<void> {
    const cache = await this.#cache();
    if (this.namespace === undefined) await cache.clear();
    else await cache.deletePrefix(`${this.namespace}:`);
  }

  async *iterator(namespace = this.namespace): AsyncGenerator<[string, unknown], void> {
    const cache = await this.#cache();
    const prefix = namespace === undefined ? '' : `${namespace}:`;
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
    // Through the same door as the operations that came before: their writes are in the queue when it closes.
    const cache = this.#cache();
    this.#own = undefined;
    this.#closing = cache.then(
      async () => (await own).node.close(),
      () => undefined,
    );
    return this.#closing;
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
