import { prefixEnd } from '../common/keys.js';
import type { TagRequest } from '../engine/listing.js';
import type { StoredValue } from '../value/codec.js';
import type { ChangeKind } from './change-log.js';
import type { Connection, Statement } from './native.js';
import { entrySql } from './sql/entries.js';
import { listingSql } from './sql/listing.js';

/** An entry of a page. @internal */
export interface ListedRow {
  readonly id: number;
  readonly key: string;
  /** Unix ms; from then on it is stale, or gone. */
  readonly fresh_until: number;
  readonly revision: number;
  readonly tag_set: number;
  readonly bytes: number;
  /** Only where it was asked for. */
  readonly value?: StoredValue;
}

/** A row of the log, with what stands under its key now. @internal */
export interface ListedChangeRow {
  readonly revision: number;
  readonly namespace_id: number;
  readonly kind: ChangeKind;
  readonly key: string;
  /** Null when there is no such entry. */
  readonly entry_revision: number | null;
}

/** Above every TEXT in SQLite's order of types. */
const NO_END = Buffer.alloc(0);

/**
 * What operators read of the tables. Its statements are prepared when the first is used: most files are never listed.
 *
 * @internal
 */
export class ListingTable {
  #page: Statement | undefined;
  #pageValues: Statement | undefined;
  #changes: Statement | undefined;
  #tags: Statement | undefined;
  #countTagged: Statement | undefined;
  #tagged: Statement | undefined;

  constructor(private readonly connection: Connection) {}

  /** Rows with this prefix behind a key, in order. To be read at once. */
  page(
    namespaceId: number,
    {
      prefix,
      after,
      limit,
      values,
    }: { prefix: string; after: string; limit: number; values: boolean },
  ): IterableIterator<ListedRow> {
    const statement = values
      ? (this.#pageValues ??= this.connection.prepare(listingSql.pageValues))
      : (this.#page ??= this.connection.prepare(listingSql.page));
    const end = prefixEnd(prefix) ?? NO_END;
    return statement.iterate(
      namespaceId,
      behind(after),
      prefix,
      end,
      limit,
    ) as IterableIterator<ListedRow>;
  }

  /** The first `limit` changes after a revision, oldest first. */
  changes(revision: number, limit: number): ListedChangeRow[] {
    this.#changes ??= this.connection.prepare(listingSql.changes);
    return this.#changes.all(revision, limit) as ListedChangeRow[];
  }

  /** Tags of a namespace, in order. */
  tags(namespaceId: number, { prefix, after, limit }: TagRequest): string[] {
    this.#tags ??= this.connection.prepare(listingSql.tags).pluck();
    const end = prefixEnd(prefix) ?? NO_END;
    return this.#tags.all({ namespaceId, prefix, from: behind(after), end, limit }) as string[];
  }

  /** How many entries have a tag, of so many rows that say so. */
  countTagged(namespaceId: number, tag: string, most: number): number {
    this.#countTagged ??= this.connection.prepare(listingSql.countTagged).pluck();
    return this.#countTagged.get(namespaceId, tag, most) as number;
  }

  /** Entries with a tag, in order of their ids. */
  tagged(namespaceId: number, tag: string, afterId: number, limit: number): ListedRow[] {
    this.#tagged ??= this.connection.prepare(listingSql.tagged);
    return this.#tagged.all(namespaceId, tag, afterId, limit) as ListedRow[];
  }

  /** How many rows stand under each id. Walks through all of them. */
  countByNamespace(): Map<number, number> {
    const rows = this.connection.prepare(entrySql.countByNamespace).raw().all();
    return new Map(rows as [number, number][]);
  }
}

/** The first text behind one that was seen: in byte order the text and a NUL. All of them come behind none. */
function behind(after: string): string {
  return after === '' ? '' : `${after}\0`;
}
