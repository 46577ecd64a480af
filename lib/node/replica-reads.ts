import type { CacheReads, EntriesPage, KeysPage, VersionedEntry } from '../cache/cache-reads.js';
import type { CacheCounters } from '../engine/cache-stats.js';
import type { PendingWrites } from '../cache/pending-writes.js';
import type { CacheEntry, TieredCache } from '../cache/tiered-cache.js';
import { decodeValue } from '../value/codec.js';
import type { HyperCacheError } from '../common/errors.js';
import type { CacheEvents } from '../common/events.js';
import { assertKey } from '../common/keys.js';
import type { RemoteReads } from '../cluster/replica/remote-reads.js';
import { toStorageError } from '../sqlite/sqlite-error.js';

/** @internal */
export interface ReplicaReadsParts {
  readonly namespace: string;
  /** What is here. */
  readonly local: TieredCache;
  readonly remote: RemoteReads;
  /** Writes of this node that are not yet done: reads see them wherever else they look. */
  readonly pending: PendingWrites;
  /** Whether what is here can be relied on. */
  readonly isReady: () => boolean;
  /** Nothing here counts any more, and nobody else can be asked. */
  readonly isStale: () => boolean;
  readonly counters: CacheCounters;
  readonly events: CacheEvents;
  /** A read from the primary that failed: it is a miss, and this is told why. */
  readonly onReadError: (error: HyperCacheError) => void;
}

/**
 * The read side of one namespace on a secondary: from its replica, and from the primary while there is none.
 *
 * @internal
 */
export class ReplicaReads implements CacheReads {
  constructor(private readonly parts: ReplicaReadsParts) {}

  get(key: string): unknown {
    const { local } = this.parts;
    return this.#isHere(key) ? local.get(key) : this.#value(key);
  }

  mget(keys: readonly string[]): unknown[] | Promise<unknown[]> {
    const { local, isReady } = this.parts;
    return isReady() ? local.mget(keys) : Promise.all(keys.map((key) => this.get(key)));
  }

  find(key: string): CacheEntry | undefined | Promise<CacheEntry | undefined> {
    const { local } = this.parts;
    return this.#isHere(key) ? local.find(key) : this.#entry(key);
  }

  peek(key: string): CacheEntry | undefined | Promise<CacheEntry | undefined> {
    const { local } = this.parts;
    return this.#isHere(key) ? local.peek(key) : this.#ask(key);
  }

  #isHere(key: string): boolean {
    const { isReady, pending } = this.parts;
    return isReady() || pending.get(key) !== undefined;
  }

  async #value(key: string): Promise<unknown> {
    return (await this.#entry(key))?.value;
  }

  has(key: string): boolean | Promise<boolean> {
    const { local } = this.parts;
    return this.#isHere(key)
      ? local.has(key)
      : this.#entry(key).then((entry) => entry !== undefined);
  }

  expiresAt(key: string): number | undefined | Promise<number | undefined> {
    const { local } = this.parts;
    return this.#isHere(key)
      ? local.expiresAt(key)
      : this.#entry(key).then((entry) => entry?.expiresAt);
  }

  async findWithRevision(key: string): Promise<VersionedEntry> {
    const { local, isReady } = this.parts;
    if (isReady()) return local.findWithRevision(key);
    const entry = await this.#entry(key);
    return { value: entry?.value, revision: entry?.revision ?? 0, expiresAt: entry?.expiresAt };
  }

  keysPage(prefix: string, from: string): KeysPage | Promise<KeysPage> {
    const { local, isReady } = this.parts;
    return isReady() ? local.keysPage(prefix, from) : this.#remoteKeys(prefix, from);
  }

  entriesPage(from: string): EntriesPage | Promise<EntriesPage> {
    const { local, isReady } = this.parts;
    return isReady() ? local.entriesPage(from) : this.#remoteEntries(from);
  }

  release(value: unknown): unknown {
    return this.parts.local.release(value);
  }

  /** What others did to a key is not known without a replica: then a factory that runs is taken as up to date. */
  isChangedSince(key: string, tags: readonly string[], seen: number): boolean {
    const { local, isReady } = this.parts;
    return isReady() && local.isChangedSince(key, tags, seen);
  }

  async #entry(key: string): Promise<(CacheEntry & { revision: number }) | undefined> {
    const entry = await this.#ask(key);
    const { namespace, counters, events } = this.parts;
    const { hit, miss } = events.topics;
    if (entry === undefined) {
      counters.misses++;
      if (miss.isHeard) miss.tell({ namespace, key });
    } else {
      counters.primaryHits++;
      if (hit.isHeard) hit.tell({ namespace, key, layer: 'primary' });
    }
    return entry;
  }

  async #ask(key: string): Promise<(CacheEntry & { revision: number }) | undefined> {
    assertKey(key);
    const { remote, namespace, isStale, onReadError } = this.parts;
    if (isStale()) return undefined;
    try {
      const entry = await remote.entry(namespace, key);
      return entry && { ...entry, value: decodeValue(entry.value) };
    } catch (error) {
      onReadError(toStorageError(error));
      return undefined;
    }
  }

  async #remoteKeys(prefix: string, from: string): Promise<KeysPage> {
    const [keys, next] = await this.parts.remote.keys(this.parts.namespace, prefix, from);
    return { keys, next: next ?? undefined };
  }

  async #remoteEntries(from: string): Promise<EntriesPage> {
    const [entries, next] = await this.parts.remote.entries(this.parts.namespace, from);
    return {
      entries: entries.map(([key, value]) => [key, decodeValue(value)]),
      next: next ?? undefined,
    };
  }
}
