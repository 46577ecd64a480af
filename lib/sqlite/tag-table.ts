import type { RemovableRow } from './entry-table.js';
import type { Connection, Statement } from './native.js';
import { tagSql } from './sql/tags.js';

/** A tag of an entry, perhaps of an older life of it. @internal */
export interface TagRow {
  readonly namespace_id: number;
  readonly tag: string;
  readonly entry_id: number;
  readonly tag_set: number;
}

/**
 * Which entries have which tag. A row counts only while the entry's `tag_set` is still the row's: an
 * untagged overwrite leaves rows behind, and the sweeper collects them.
 *
 * @internal
 */
export class TagTable {
  readonly #add: Statement;
  readonly #removeOfEntry: Statement;
  readonly #ofEntry: Statement;
  readonly #tagged: Statement;
  readonly #page: Statement;
  readonly #isCurrent: Statement;
  readonly #remove: Statement;

  constructor(connection: Connection) {
    this.#add = connection.prepare(tagSql.add);
    this.#removeOfEntry = connection.prepare(tagSql.removeOfEntry);
    this.#ofEntry = connection.prepare(tagSql.ofEntry).pluck();
    this.#tagged = connection.prepare(tagSql.tagged);
    this.#page = connection.prepare(tagSql.page);
    this.#isCurrent = connection.prepare(tagSql.isCurrent).pluck();
    this.#remove = connection.prepare(tagSql.remove);
  }

  /** Replaces all tags of an entry. */
  replace(namespaceId: number, entryId: number, tagSet: number, tags: readonly string[]): void {
    this.#removeOfEntry.run(entryId);
    for (const tag of tags) this.#add.run(namespaceId, tag, entryId, tagSet);
  }

  removeOfEntry(entryId: number): void {
    this.#removeOfEntry.run(entryId);
  }

  ofEntry(entryId: number, tagSet: number): string[] {
    return this.#ofEntry.all(entryId, tagSet) as string[];
  }

  /** Entries that were given the tag up to `revision`; a later touch or increment does not spare them. */
  tagged(
    namespaceId: number,
    tag: string,
    revision: number,
    limit: number,
  ): Omit<RemovableRow, 'namespace_id'>[] {
    return this.#tagged.all(namespaceId, tag, revision, limit) as RemovableRow[];
  }

  /** Looks at the next `limit` rows behind `after` and removes those that no longer count. */
  collect(after: TagRow | undefined, limit: number): TagRow | undefined {
    const rows = this.#page.all(
      after?.namespace_id ?? 0,
      after?.tag ?? '',
      after?.entry_id ?? 0,
      limit,
    ) as TagRow[];
    for (const row of rows) {
      if (this.#isCurrent.get(row.entry_id, row.tag_set) === undefined) {
        this.#remove.run(row.namespace_id, row.tag, row.entry_id);
      }
    }
    return rows.length < limit ? undefined : rows.at(-1);
  }
}
