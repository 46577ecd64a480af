import type { Clock } from '../common/clock.js';
import type { HyperCacheError } from '../common/errors.js';
import { isExpired } from '../common/expiry.js';
import type {
  L2,
  L2Entry,
  ListedEntry,
  Observation,
  Page,
  Seen,
  VersionedEntry,
} from '../engine/l2.js';
import { decodeValue, storedBytes, type StoredValue } from '../value/codec.js';
import type { FileCoherence } from './coherence.js';
import type { EntryRow, EntryTable, Listing, ReadRow } from './entry-table.js';
import { decoded, readPage, type ListedValue } from './listing.js';
import { RevisionSeen } from './revision-seen.js';
import { toStorageError } from './sqlite-error.js';
import type { Storage } from './storage.js';

/** @internal */
export interface SqliteL2Parts {
  readonly storage: Storage;
  readonly coherence: FileCoherence;
  /** The clock that judges deadlines. */
  readonly clock: Clock;
  /** Receives what could not be read when no caller waits for it. */
  readonly onReadError: (error: HyperCacheError) => void;
}

/**
 * The rows of one namespace in a file of this machine, read synchronously. Reads never write; an expired row is a miss.
 *
 * @internal
 */
export class SqliteL2 implements L2 {
  readonly layer = 'l2';

  constructor(
    private readonly namespace: string,
    private readonly parts: SqliteL2Parts,
  ) {}

  readValue(key: string): unknown {
    const stored = this.#read((entries, namespaceId, now) =>
      entries.readValue(namespaceId, key, now),
    );
    return stored === undefined ? undefined : decodeValue(stored);
  }

  read(key: string): L2Entry | undefined {
    const row = this.#read((entries, namespaceId, now) => entries.read(namespaceId, key, now));
    return row && entryOf(row);
  }

  freshUntil(key: string): number | undefined {
    return this.#readFresh(key)?.fresh_until;
  }

  readVersioned(key: string): VersionedEntry {
    const row = this.#readFresh(key);
    if (row === undefined) return { value: undefined, revision: 0, expiresAt: undefined };
    const { revision, fresh_until: expiresAt } = row;
    return { value: this.#decode(row.value), revision, expiresAt };
  }

  observe(key: string, tags: readonly string[]): Observation {
    const { storage, onReadError } = this.parts;
    // Read the revision first: a commit between the two reads then counts as a later change, and is not overlooked.
    const { revision } = storage;
    try {
      const row = this.#readLive(key, 'expires_at');
      const seen = new RevisionSeen(key, tags, revision, row?.revision ?? 0);
      return { entry: row && entryOf(row), seen };
    } catch (error) {
      onReadError(toStorageError(error));
      return { entry: undefined, seen: new RevisionSeen(key, tags, revision, 0) };
    }
  }

  isCurrent(seen: Seen, tags: readonly string[]): boolean {
    if (!(seen instanceof RevisionSeen)) return false;
    const { storage } = this.parts;
    const head = storage.revision;
    if (seen.checkedTo >= head) return true;
    const others = tags.filter((tag) => !seen.tags.includes(tag));
    return typed(() => {
      const target = {
        namespaceId: storage.namespaces.idOf(this.namespace) ?? 0,
        key: seen.key,
        tags: seen.tags.concat(others),
        // The log was not searched for tags that earlier calls did not name.
        seen: others.length === 0 ? seen.checkedTo : seen.revision,
      };
      if (storage.changes.conflictsWith(target, head)) return false;
      seen.checkedTo = head;
      return true;
    });
  }

  /** In order of their UTF-8 bytes. */
  keysPage(prefix: string, after: string): Page<string> {
    const { items, next } = this.#page({ prefix, after, withValues: false });
    return { items: items.map(([key]) => key), next };
  }

  entriesPage(after: string): Page<ListedEntry> {
    return decoded(this.#page({ prefix: '', after, withValues: true }), this.parts.onReadError);
  }

  /** `undefined` when the bytes cannot be decoded. */
  #decode(stored: StoredValue): unknown {
    try {
      return decodeValue(stored);
    } catch (error) {
      this.parts.onReadError(toStorageError(error));
      return undefined;
    }
  }

  #readFresh(key: string): EntryRow | undefined {
    return this.#readLive(key, 'fresh_until');
  }

  #readLive(key: string, end: 'expires_at' | 'fresh_until'): EntryRow | undefined {
    return this.#read((entries, namespaceId, now) => {
      const row = entries.find(namespaceId, key);
      return row === undefined || isExpired(row[end], now) ? undefined : row;
    });
  }

  #read<T>(
    read: (entries: EntryTable, namespaceId: number, now: number) => T | undefined,
  ): T | undefined {
    const { storage, clock, coherence } = this.parts;
    const { isShared } = coherence;
    if (isShared) coherence.expire();
    try {
      const { entries, namespaces } = isShared ? storage : storage.turn;
      const namespaceId = namespaces.idOf(this.namespace);
      return namespaceId === undefined ? undefined : read(entries, namespaceId, clock.coarseNow());
    } catch (error) {
      throw toStorageError(error);
    }
  }

  /** Throws for a page that cannot be read, because a listing that ends early would pass for complete. */
  #page(listing: Listing): Page<ListedValue> {
    const { storage, clock } = this.parts;
    return typed(() => readPage(storage, this.namespace, listing, clock.now()));
  }
}

function entryOf({ value, expires_at: expiresAt, fresh_until: freshUntil }: ReadRow): L2Entry {
  return { value: decodeValue(value), freshUntil, expiresAt, bytes: storedBytes(value) };
}

function typed<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw toStorageError(error);
  }
}
