import type { NodeCache } from '../node/hyper-cache-node.js';
import { storeAll } from './store-all.js';

/** An entry as Keyv shows it with `{ raw: true }`. @internal */
export interface RawEntry {
  readonly value: unknown;
  /** Unix ms; undefined when it never expires. */
  readonly expires: number | undefined;
}

interface RawOption {
  readonly raw?: boolean;
}

/**
 * What cache-manager and Nest expect of a Keyv instance, directly on a node: without a prefix on the keys, a second
 * serialization, or a separate expiry rule.
 *
 * @internal
 */
export class KeyvView {
  readonly opts: { readonly store: object; readonly namespace: string };
  readonly hooks = Object.freeze({});
  readonly stats = Object.freeze({ enabled: false });

  constructor(
    private readonly cache: NodeCache,
    private readonly flush: () => Promise<void>,
  ) {
    this.opts = { store: cache, namespace: cache.namespace };
  }

  get namespace(): string {
    return this.cache.namespace;
  }

  async get(key: string | readonly string[], options?: RawOption): Promise<unknown> {
    if (typeof key !== 'string') return this.getMany(key, options);
    return options?.raw === true ? this.#raw(key) : this.cache.get(key);
  }

  async getMany(keys: readonly string[], options?: RawOption): Promise<unknown[]> {
    return options?.raw === true
      ? Promise.all(keys.map((key) => this.#raw(key)))
      : this.cache.mget(keys);
  }

  async set(key: string, value: unknown, ttl?: number): Promise<boolean> {
    if (value === undefined) await this.cache.delete(key);
    else await this.cache.set(key, value, { ttl });
    return true;
  }

  async setMany(
    entries: readonly { key: string; value: unknown; ttl?: number }[],
  ): Promise<boolean[]> {
    await storeAll(this.cache, entries);
    return entries.map(() => true);
  }

  async delete(key: string | readonly string[]): Promise<boolean> {
    return typeof key === 'string' ? this.cache.delete(key) : this.deleteMany(key);
  }

  async deleteMany(keys: readonly string[]): Promise<boolean> {
    const deleted = await this.cache.mdelete(keys);
    return deleted.includes(true);
  }

  async has(key: string): Promise<boolean> {
    return this.cache.has(key);
  }

  async hasMany(keys: readonly string[]): Promise<boolean[]> {
    return Promise.all(keys.map((key) => this.cache.has(key)));
  }

  async clear(): Promise<void> {
    await this.cache.clear();
  }

  iterator(): AsyncIterableIterator<[string, unknown]> {
    return this.cache.entries();
  }

  /** The node outlives its views: what waits is committed, and nothing is closed. */
  disconnect(): Promise<void> {
    return this.flush();
  }

  on(): this {
    return this;
  }

  off(): this {
    return this;
  }

  async #raw(key: string): Promise<RawEntry | undefined> {
    const entry = await this.cache.find(key);
    if (entry === undefined) return undefined;
    return rawEntry(this.cache.release(entry.value), entry.freshUntil);
  }
}

/** @internal */
export function rawEntry(value: unknown, expiresAt: number): RawEntry {
  return { value, expires: expiresAt === Infinity ? undefined : expiresAt };
}
