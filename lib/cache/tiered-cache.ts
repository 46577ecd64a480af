import type { Clock } from '../common/clock.js';
import { decodeValue, storedBytes, type StoredValue } from '../value/codec.js';
import type { EventTopic } from '../common/event-topic.js';
import type { CacheEvents, HyperCacheEvents } from '../common/events.js';
import { isExpired } from '../common/expiry.js';
import { assertKey } from '../common/keys.js';
import type { L1, L1Entry } from '../memory/l1.js';
import type { EntryRow, EntryTable } from '../sqlite/entry-table.js';
import { toStorageError } from '../sqlite/sqlite-error.js';
import type { Storage } from '../sqlite/storage.js';
import type { CacheCounters } from '../engine/cache-stats.js';
import type { MemoryCoherence } from './coherence.js';
import type { CacheReads, EntriesPage, KeysPage, VersionedEntry } from './cache-reads.js';
import { admit, release, type Isolation } from '../value/isolation.js';
import type { PendingWrites } from './pending-writes.js';
import type { HyperCacheError } from '../common/errors.js';

/** What a read finds. The value is the cache's own: it goes out through {@link TieredCache.release}. @internal */
export interface CacheEntry {
  readonly value: unknown;
  /** Unix ms; Infinity when it never expires. */
  readonly expiresAt: number;
}

/** @internal */
export interface TieredCacheParts {
  readonly namespace: string;
  readonly storage: Storage;
  readonly coherence: MemoryCoherence;
  /** `undefined` when the memory layer is off. */
  readonly l1: L1 | undefined;
  readonly pending: PendingWrites;
  readonly counters: CacheCounters;
  readonly events: CacheEvents;
  readonly isolation: Isolation;
  readonly clock: Clock;
  /** A read of L2 that failed: it is a miss, and this is told why. */
  readonly onReadError: (error: HyperCacheError, cause: unknown) => void;
}

const PAGE_KEYS = 500;

/**
 * The read side of one namespace: L1, else what waits to be committed, else the row in L2, which fills L1.
 * Reads never write; an expired row is a miss, and the sweeper removes it.
 *
 * @internal
 */
export class TieredCache implements CacheReads {
  readonly #l1: L1 | undefined;
  readonly #coherence: MemoryCoherence;
  readonly #counters: CacheCounters;
  readonly #isolation: Isolation;
  readonly #hits: EventTopic<HyperCacheEvents['hit']>;
  readonly #misses: EventTopic<HyperCacheEvents['miss']>;

  constructor(private readonly parts: TieredCacheParts) {
    this.#l1 = parts.l1;
    this.#coherence = parts.coherence;
    this.#counters = parts.counters;
    this.#hits = parts.events.topics.hit;
    this.#misses = parts.events.topics.miss;
    this.#isolation = parts.isolation;
  }

  /** The value, isolated as the caller's option says; `undefined` on a miss. */
  get(key: string): unknown {
    const value = this.#readFromL1(key);
    if (value !== undefined) {
      this.#counters.l1Hits++;
      if (this.#hits.isHeard) this.#tellHit(key, 'l1');
      return value;
    }
    if (this.#l1 === undefined && this.parts.pending.size === 0) return this.#getFromL2(key);
    const entry = this.#findBelowL1(key);
    return entry === undefined ? undefined : this.release(entry.value);
  }

  mget(keys: readonly string[]): unknown[] {
    return keys.map((key) => this.get(key));
  }

  /** As {@link get}, with the deadline, and without isolation. */
  find(key: string): CacheEntry | undefined {
    const hit = this.#getFromL1(key);
    if (hit === undefined) return this.#findBelowL1(key);
    this.#counters.l1Hits++;
    if (this.#hits.isHeard) this.#tellHit(key, 'l1');
    return hit;
  }

  /** As {@link find}, for those who have asked before: neither counted nor told. */
  peek(key: string): CacheEntry | undefined {
    return this.#getFromL1(key) ?? this.#lookBelowL1(key);
  }

  /** Isolates a value of the cache's own for a caller. */
  release(value: unknown): unknown {
    return release(value, this.#isolation);
  }

  has(key: string): boolean {
    return this.expiresAt(key) !== undefined;
  }

  /** The live entry's deadline without reading its value; `undefined` on a miss. */
  expiresAt(key: string): number | undefined {
    const { pending, clock } = this.parts;
    const known = this.#getFromL1(key) ?? pending.get(key);
    if (known !== undefined) {
      const isLive = known.value !== undefined && !isExpired(known.expiresAt, clock.coarseNow());
      return isLive ? known.expiresAt : undefined;
    }
    return this.#readLive(key)?.expires_at;
  }

  /** The committed live entry. */
  findWithRevision(key: string): VersionedEntry {
    const row = this.#readLive(key);
    if (row === undefined) return { value: undefined, revision: 0, expiresAt: undefined };
    const { revision, expires_at: expiresAt } = row;
    return { value: this.#decode(row.value), revision, expiresAt };
  }

  /** Whether the key, one of the tags or the whole cache was written or deleted after the revision. */
  isChangedSince(key: string, tags: readonly string[], seen: number): boolean {
    const { storage, namespace, pending, onReadError } = this.parts;
    if (pending.get(key) !== undefined) return true;
    try {
      const namespaceId = storage.namespaces.idOf(namespace) ?? 0;
      return storage.changes.conflictsWith({ namespaceId, key, tags, seen }, storage.revision);
    } catch (error) {
      onReadError(toStorageError(error), error);
      return true;
    }
  }

  /** Committed live keys with this prefix from `from` on, in order of their UTF-8 bytes. */
  keysPage(prefix: string, from: string): KeysPage {
    const { storage, namespace, clock } = this.parts;
    const namespaceId = storage.namespaces.idOf(namespace);
    if (namespaceId === undefined) return { keys: [], next: undefined };
    const now = clock.now();
    const rows = typed(() =>
      storage.entries.page(namespaceId, prefix, from === '' ? prefix : from, PAGE_KEYS),
    );
    const keys = rows.filter((row) => !isExpired(row.expires_at, now)).map((row) => row.key);
    return { keys, next: nextFrom(rows) };
  }

  /** As {@link keysPage}, with values. */
  entriesPage(from: string): EntriesPage {
    const { storage, namespace, clock } = this.parts;
    const namespaceId = storage.namespaces.idOf(namespace);
    if (namespaceId === undefined) return { entries: [], next: undefined };
    const now = clock.now();
    const rows = typed(() => storage.entries.pageValues(namespaceId, '', from, PAGE_KEYS));
    const entries = rows
      .filter((row) => !isExpired(row.expires_at, now))
      .map((row): [string, unknown] => [row.key, this.#decode(row.value)])
      .filter(([, value]) => value !== undefined);
    return { entries, next: nextFrom(rows) };
  }

  #readFromL1(key: string): unknown {
    if (this.#l1 === undefined) return undefined;
    this.#coherence.refresh();
    return this.#l1.read(key);
  }

  #getFromL1(key: string): L1Entry | undefined {
    if (this.#l1 === undefined) return undefined;
    this.#coherence.refresh();
    return this.#l1.get(key);
  }

  #findBelowL1(key: string): CacheEntry | undefined {
    const entry = this.#lookBelowL1(key);
    this.#countL2(key, entry !== undefined);
    return entry;
  }

  #lookBelowL1(key: string): CacheEntry | undefined {
    const { pending, clock } = this.parts;
    const waiting = pending.get(key);
    if (waiting !== undefined) {
      const isLive =
        waiting.value !== undefined && !isExpired(waiting.expiresAt, clock.coarseNow());
      return isLive ? waiting : undefined;
    }
    assertKey(key);
    const row = this.#readL2((entries, namespaceId, now) => entries.read(namespaceId, key, now));
    const value = row === undefined ? undefined : this.#decode(row.value);
    if (row === undefined || value === undefined) return undefined;
    if (this.#l1 !== undefined) {
      const isCopied = admit(value, this.#isolation);
      this.#l1.set(key, value, row.expires_at, storedBytes(row.value), isCopied);
    }
    return { value, expiresAt: row.expires_at };
  }

  /** Without a memory layer a read needs no deadline, and what it decodes is the caller's own. */
  #getFromL2(key: string): unknown {
    assertKey(key);
    const stored = this.#readL2((entries, namespaceId, now) =>
      entries.readValue(namespaceId, key, now),
    );
    const value = stored === undefined ? undefined : this.#decode(stored);
    this.#countL2(key, value !== undefined);
    return value;
  }

  #countL2(key: string, isHit: boolean): void {
    if (isHit) {
      this.#counters.l2Hits++;
      if (this.#hits.isHeard) this.#tellHit(key, 'l2');
      return;
    }
    this.#counters.misses++;
    if (this.#misses.isHeard) this.#misses.tell({ namespace: this.parts.namespace, key });
  }

  #tellHit(key: string, layer: HyperCacheEvents['hit']['layer']): void {
    this.#hits.tell({ namespace: this.parts.namespace, key, layer });
  }

  /** `undefined`, which is a miss, when the bytes make no sense. */
  #decode(stored: StoredValue): unknown {
    try {
      return decodeValue(stored);
    } catch (error) {
      this.parts.onReadError(toStorageError(error), error);
      return undefined;
    }
  }

  #readLive(key: string): EntryRow | undefined {
    assertKey(key);
    return this.#readL2((entries, namespaceId, now) => {
      const row = entries.find(namespaceId, key);
      return row === undefined || isExpired(row.expires_at, now) ? undefined : row;
    });
  }

  #readL2<T>(
    read: (entries: EntryTable, namespaceId: number, now: number) => T | undefined,
  ): T | undefined {
    const { storage, namespace, clock, onReadError } = this.parts;
    const { isShared } = this.#coherence;
    if (isShared) this.#coherence.expire();
    try {
      const { entries, namespaces } = isShared ? storage : storage.turn;
      const namespaceId = namespaces.idOf(namespace);
      if (namespaceId === undefined) return undefined;
      return read(entries, namespaceId, clock.coarseNow());
    } catch (error) {
      onReadError(toStorageError(error), error);
      return undefined;
    }
  }
}

/** A page that cannot be read is an error, because a listing that ends early would pass for complete. */
function typed<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw toStorageError(error);
  }
}

function nextFrom(rows: readonly { key: string }[]): string | undefined {
  // The successor of a string in byte order is the string and a NUL.
  return rows.length < PAGE_KEYS ? undefined : `${rows.at(-1)?.key ?? ''}\0`;
}
