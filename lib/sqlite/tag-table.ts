import type { FoundRow } from './entry-table.js';
import type { Connection, Statement } from './native.js';
import { tagSql } from './sql/tags.js';

/** A tag of an entry, perhaps of an earlier life of it. @internal */
export interface TagRow {
  readonly namespace_id: number;
  readonly tag: string;
  readonly entry_id: number;
  readonly tag_set: number;
}

/** Overhead of a row in addition to its tag. */
const ROW_BYTES = 100;

/**
 * Which entries have which tag. A row counts only while its `tag_set` equals that of the entry. An untagged overwrite
 * leaves rows behind, and the sweeper collects them.
 *
 * @internal
 */
export class TagTable {
  #written = 0;
  readonly #add: Statement;
  readonly #removeOfEntry: Statement;
  readonly #ofEntry: Statement;
  readonly #tagged: Statement;
  readonly #page: Statement;
  readonly #isCurrent: Statement;
  readonly #remove: Statement;

  constructor(connection: Connection) {
    this.#add = connection.prepare(tagSql.add);
    this.#removeOfEntry = connection.prepare(tagSql.removeOfEntry).pluck();
    this.#ofEntry = connection.prepare(tagSql.ofEntry).pluck();
    this.#tagged = connection.prepare(tagSql.tagged);
    this.#page = connection.prepare(tagSql.page);
    this.#isCurrent = connection.prepare(tagSql.isCurrent).pluck();
    this.#remove = connection.prepare(tagSql.remove);
  }

  /** Bytes of all rows ever added or removed: the cost of a commit grows with them. */
  get written(): number {
    return this.#written;
  }

  /** Replaces all tags of an entry. */
  replace(namespaceId: number, entryId: number, tagSet: number, tags: readonly string[]): void {
    this.removeOfEntry(entryId);
    this.add(namespaceId, entryId, tagSet, tags);
  }

  /** Adds tags. Rows of earlier lives stay, and no longer count. */
  add(namespaceId: number, entryId: number, tagSet: number, tags: readonly string[]): void {
    for (const tag of tags) {
      this.#add.run(namespaceId, tag, entryId, tagSet);
      this.#written += tag.length + ROW_BYTES;
    }
  }

  removeOfEntry(entryId: number): void {
    for (const length of this.#removeOfEntry.all(entryId) as number[]) {
      this.#written += length + ROW_BYTES;
    }
  }

  ofEntry(entryId: number, tagSet: number): string[] {
    return this.#ofEntry.all(entryId, tagSet) as string[];
  }

  /** Entries with this tag, behind an entry id. A later touch or increment does not count as written. */
  tagged(namespaceId: number, tag: string, after: number, limit: number): FoundRow[] {
    return this.#tagged.all(namespaceId, tag, after, limit) as FoundRow[];
  }

  /**
   * Reads the next rows behind `after`, at most `limit`, and removes those that no longer count.
   *
   * @param isLate whether the time for this step is over
   * @returns the last row that it read, when there are more
   */
  collect(
    after: TagRow | undefined,
    limit: number,
    isLate: () => boolean = () => false,
  ): TagRow | undefined {
    const rows = this.#page.all(
      after?.namespace_id ?? 0,
      after?.tag ?? '',
      after?.entry_id ?? 0,
      limit,
    ) as TagRow[];
    for (const row of rows) {
      if (this.#isCurrent.get(row.entry_id, row.tag_set) === undefined) {
        this.#remove.run(row.namespace_id, row.tag, row.entry_id);
        this.#written += row.tag.length + ROW_BYTES;
      }
      if (isLate()) return row;
    }
    return rows.length < limit ? undefined : rows.at(-1);
  }
}
