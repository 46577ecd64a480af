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
  /** Unix ms; from then on the entry is stale or gone. */
  readonly fresh_until: number;
  readonly revision: number;
  readonly tag_set: number;
  readonly bytes: number;
  /** Present only when requested. */
  readonly value?: StoredValue;
}

/** A row of the log, with the current entry of its key. @internal */
export interface ListedChangeRow {
  readonly revision: number;
  readonly namespace_id: number;
  readonly kind: ChangeKind;
  readonly key: string;
  /** Null when there is no such entry. */
  readonly entry_revision: number | null;
}

/** An upper bound above every TEXT in SQLite's order of types. */
const NO_END = Buffer.alloc(0);

/**
 * What operators read from the tables. Each statement is prepared on first use, because most files are never listed.
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

  /** Rows with this prefix behind a key, in order. Iterate to the end without an `await`. */
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

  /** Counts the entries that have a tag, among at most this many rows of that tag. */
  countTagged(namespaceId: number, tag: string, most: number): number {
    this.#countTagged ??= this.connection.prepare(listingSql.countTagged).pluck();
    return this.#countTagged.get(namespaceId, tag, most) as number;
  }

  /** Entries with a tag, in order of their ids. */
  tagged(namespaceId: number, tag: string, afterId: number, limit: number): ListedRow[] {
    this.#tagged ??= this.connection.prepare(listingSql.tagged);
    return this.#tagged.all(namespaceId, tag, afterId, limit) as ListedRow[];
  }

  /** Counts the rows under each id. Walks through all rows. */
  countByNamespace(): Map<number, number> {
    const rows = this.connection.prepare(entrySql.countByNamespace).raw().all();
    return new Map(rows as [number, number][]);
  }
}

/** Where the next page begins: in byte order, the successor of a text is the text plus a NUL. The first page begins at ''. */
function behind(after: string): string {
  return after === '' ? '' : `${after}\0`;
}
