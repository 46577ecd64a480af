import { isExpired } from '../common/expiry.js';
import {
  MAX_TAG_COUNT,
  type ChangesPage,
  type ListedChange,
  type ListedEntry,
  type ListedRun,
  type ListedTag,
  type Listing,
  type ListingPage,
  type ListingRequest,
  type TagRequest,
} from '../engine/listing.js';
import { storedBytes } from '../value/codec.js';
import { toPortable } from '../value/portable-value.js';
import { ChangeKind } from './change-log.js';
import type { ListedChangeRow, ListedRow } from './listing-table.js';
import { toStorageError } from './sqlite-error.js';
import type { Storage } from './storage.js';

/** Bytes of values that a page holds at most, except that it always holds its first entry. */
const MAX_PAGE_BYTES = 1024 * 1024;

const KINDS = {
  [ChangeKind.Clear]: 'clear',
  [ChangeKind.Prefix]: 'del-prefix',
  [ChangeKind.Tag]: 'del-tag',
} as const;

/**
 * Lists the content of a file. Each call completes before it returns: no read transaction stays open between two pages.
 *
 * @internal
 */
export class FileListing implements Listing {
  constructor(
    private readonly storage: Storage,
    /** The clock that judges deadlines. */
    private readonly clock: { now(): number },
  ) {}

  namespaces(): { name: string; entries: number }[] {
    return this.#read(() => {
      const counts = this.storage.listing.countByNamespace();
      const named = this.storage.namespaces.all();
      return named
        .map(([name, id]) => ({ name, entries: counts.get(id) ?? 0 }))
        .toSorted((a, b) => (a.name < b.name ? -1 : 1));
    });
  }

  names(): string[] {
    return this.#read(() => this.storage.namespaces.all().map(([name]) => name)).toSorted();
  }

  count(namespace: string): number {
    return this.#read(() => {
      const { namespaces, counts } = this.storage;
      const namespaceId = namespaces.idOf(namespace);
      return namespaceId === undefined ? 0 : counts.of(namespaceId);
    });
  }

  page(request: ListingRequest): ListingPage {
    return this.#read(() => {
      const namespaceId = this.storage.namespaces.idOf(request.namespace);
      if (namespaceId === undefined) return { entries: [], next: undefined };
      const { rows, next } = this.#rows(namespaceId, request);
      return { entries: this.#live(rows), next };
    });
  }

  find(namespace: string, key: string): ListedEntry | undefined {
    return this.#read(() => {
      const { namespaces, entries } = this.storage;
      const namespaceId = namespaces.idOf(namespace);
      const row = namespaceId === undefined ? undefined : entries.find(namespaceId, key);
      if (row === undefined) return undefined;
      return this.#live([{ ...row, key, bytes: storedBytes(row.value) }])[0];
    });
  }

  tags(request: TagRequest): { tags: ListedTag[]; next: string | undefined } {
    return this.#read(() => {
      const { namespaces, listing } = this.storage;
      const namespaceId = namespaces.idOf(request.namespace);
      if (namespaceId === undefined) return { tags: [], next: undefined };
      const names = listing.tags(namespaceId, request);
      return {
        tags: names.map((tag) => ({
          tag,
          entries: listing.countTagged(namespaceId, tag, MAX_TAG_COUNT),
        })),
        next: names.length < request.limit ? undefined : names.at(-1),
      };
    });
  }

  tagged({ namespace, tag, after, limit }: Parameters<Listing['tagged']>[0]): ListingPage {
    return this.#read(() => {
      const { namespaces, listing } = this.storage;
      const namespaceId = namespaces.idOf(namespace);
      if (namespaceId === undefined) return { entries: [], next: undefined };
      const rows = listing.tagged(namespaceId, tag, Number(after) || 0, limit);
      const next = rows.length < limit ? undefined : String(rows.at(-1)?.id);
      return { entries: this.#live(rows), next };
    });
  }

  runs(limit: number): ListedRun[] {
    return this.#read(() => this.storage.runs.newest(limit));
  }

  head(): number {
    return this.#read(() => this.storage.changes.head());
  }

  changes(after: number, limit: number): ChangesPage {
    return this.#read(() => {
      const { listing, changes, namespaces } = this.storage;
      const isGap = after + 1 < changes.oldest();
      const rows = listing.changes(after, limit);
      return {
        changes: rows.flatMap((row) => {
          const { revision, namespace_id: id, key } = row;
          const namespace = namespaces.nameOf(id);
          // Cleared entries have an id without a name. The clear itself is also logged under the new id.
          return namespace === undefined ? [] : [{ revision, namespace, kind: kindOf(row), key }];
        }),
        next: rows.at(-1)?.revision ?? after,
        isGap,
      };
    });
  }

  /** Reads no more rows than a page may hold. */
  #rows(
    namespaceId: number,
    request: ListingRequest,
  ): { rows: ListedRow[]; next: string | undefined } {
    const rows: ListedRow[] = [];
    let bytes = 0;
    for (const row of this.storage.listing.page(namespaceId, request)) {
      rows.push(row);
      bytes += row.bytes;
      if (request.values && bytes >= MAX_PAGE_BYTES) return { rows, next: row.key };
    }
    return { rows, next: rows.length < request.limit ? undefined : rows.at(-1)?.key };
  }

  #live(rows: readonly ListedRow[]): ListedEntry[] {
    const now = this.clock.now();
    const { tags } = this.storage;
    return rows
      .filter((row) => !isExpired(row.fresh_until, now))
      .map(({ id, key, fresh_until: freshUntil, revision, tag_set: tagSet, bytes, value }) => ({
        key,
        ttl: freshUntil === Infinity ? null : Math.ceil(freshUntil - now),
        revision,
        bytes,
        tags: tagSet === 0 ? [] : tags.ofEntry(id, tagSet),
        ...(value === undefined ? {} : { content: toPortable(value) }),
      }));
  }

  /** Learns first what other processes have written since the last call. */
  #read<T>(read: () => T): T {
    try {
      this.storage.catchUp();
      return read();
    } catch (error) {
      throw toStorageError(error);
    }
  }
}

function kindOf({ kind, revision, entry_revision: now }: ListedChangeRow): ListedChange['kind'] {
  if (kind !== ChangeKind.Key) return KINDS[kind];
  if (now === null) return 'del';
  return now === revision ? 'set' : 'changed';
}
