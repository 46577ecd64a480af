import type { Lifetime } from '../common/expiry.js';
import { prefixEnd } from '../common/keys.js';
import type { StoredValue } from '../value/codec.js';
import type { EntryCounts } from './entry-counts.js';
import type { Connection, Statement } from './native.js';
import type { RowIds } from './row-ids.js';
import { entrySql } from './sql/entries.js';

/** An entry as the file stores it. @internal */
export interface EntryRow {
  readonly id: number;
  readonly value: StoredValue;
  /** Unix ms at which the entry is gone; Infinity when it never expires. */
  readonly expires_at: number;
  /** Unix ms at which the entry becomes stale; equals `expires_at` without a window. */
  readonly fresh_until: number;
  readonly revision: number;
  /** 0 without tags. */
  readonly tag_set: number;
}

/** The columns needed to remove an entry that a scan found. @internal */
export interface RemovableRow {
  readonly id: number;
  readonly namespace_id: number;
  readonly key: string;
  readonly expires_at: number;
  readonly tag_set: number;
}

/** What is known of an entry that was removed. @internal */
export interface RemovedRow extends Pick<
  EntryRow,
  'id' | 'expires_at' | 'fresh_until' | 'tag_set'
> {}

/** What a read returns of an entry. @internal */
export interface ReadRow extends Pick<EntryRow, 'value' | 'expires_at' | 'fresh_until'> {}

/** The columns that a removal of many entries reads. @internal */
export interface FoundRow extends RemovedRow {
  /** Null when the entry is gone or was replaced. */
  readonly key: string | null;
  /** The revision since which the entry has the prefix or tag by which it was found. */
  readonly written: number;
}

/** The range to list. @internal */
export interface Listing {
  readonly prefix: string;
  /** '' for all. */
  readonly after: string;
  readonly withValues: boolean;
}

/** @internal */
export interface ListedRow {
  readonly key: string;
  readonly fresh_until: number;
  readonly value?: StoredValue;
}

/** A row as another node receives it. @internal */
export interface CopiedRow extends EntryRow {
  readonly key: string;
}

/** What two nodes compare of a row. @internal */
export interface Fingerprint {
  readonly key: string;
  readonly revision: number;
  readonly expires_at: number;
  readonly fresh_until: number;
  /** For a large value, its length in bytes. */
  readonly value: StoredValue;
}

/** @internal */
export interface WrittenEntry {
  readonly namespaceId: number;
  readonly key: string;
  readonly value: StoredValue;
  readonly expiresAt: number;
  /** Undefined means `expiresAt`. */
  readonly freshUntil?: number | undefined;
  readonly revision: number;
  readonly tagSet: number;
}

/** An upper bound above every TEXT in SQLite's order of types. */
const NO_END = Buffer.alloc(0);

/**
 * The table of entries. A trigger appends each write to the change log. A caller that deletes must log by itself.
 *
 * @internal
 */
export class EntryTable {
  readonly #find: Statement;
  readonly #read: Statement;
  readonly #readValue: Statement;
  readonly #upsert: Statement;
  readonly #upsertAlone: Statement;
  readonly #updateValue: Statement;
  readonly #updateExpiry: Statement;
  readonly #updateRevision: Statement;
  readonly #isStale: Statement;
  readonly #remove: Statement;
  readonly #removeById: Statement;
  readonly #page: Statement;
  readonly #pageValues: Statement;
  readonly #removable: Statement;
  readonly #ofNamespace: Statement;
  readonly #after: Statement;
  readonly #rowsAfter: Statement;
  readonly #changedIn: Statement;
  readonly #fingerprints: Statement;

  constructor(
    connection: Connection,
    private readonly rowIds: RowIds,
    private readonly counts: EntryCounts,
  ) {
    this.#find = connection.prepare(entrySql.find);
    this.#read = connection.prepare(entrySql.read);
    this.#readValue = connection.prepare(entrySql.readValue).pluck();
    this.#upsert = connection.prepare(entrySql.upsert);
    this.#upsertAlone = connection.prepare(entrySql.upsertAlone);
    this.#updateValue = connection.prepare(entrySql.updateValue);
    this.#updateExpiry = connection.prepare(entrySql.updateExpiry);
    this.#updateRevision = connection.prepare(entrySql.updateRevision);
    this.#isStale = connection.prepare(entrySql.isStale).pluck();
    this.#remove = connection.prepare(entrySql.remove);
    this.#removeById = connection.prepare(entrySql.removeById);
    this.#page = connection.prepare(entrySql.page);
    this.#pageValues = connection.prepare(entrySql.pageValues);
    this.#removable = connection.prepare(entrySql.removable);
    this.#ofNamespace = connection.prepare(entrySql.ofNamespace);
    this.#after = connection.prepare(entrySql.after);
    this.#rowsAfter = connection.prepare(entrySql.rowsAfter);
    this.#changedIn = connection.prepare(entrySql.changedIn);
    this.#fingerprints = connection.prepare(entrySql.fingerprints);
  }

  /** The row, expired or not. */
  find(namespaceId: number, key: string): EntryRow | undefined {
    return this.#find.get(namespaceId, key) as EntryRow | undefined;
  }

  /** The entry's value and deadlines, fresh or stale. */
  read(namespaceId: number, key: string, now: number): ReadRow | undefined {
    return this.#read.get(namespaceId, key, now) as ReadRow | undefined;
  }

  /** The value of a fresh entry, without its deadlines: a third faster than {@link find}. */
  readValue(namespaceId: number, key: string, now: number): StoredValue | undefined {
    return this.#readValue.get(namespaceId, key, now) as StoredValue | undefined;
  }

  /**
   * As {@link put}, but without tags, and as a statement that is its own transaction.
   *
   * @returns false, with nothing written, when another process has written since `revision - 1`
   */
  putAlone(entry: WrittenEntry): boolean {
    const { namespaceId, key, revision, expiresAt, value } = entry;
    const id = this.rowIds.next();
    try {
      const { changes, lastInsertRowid } = this.#upsertAlone.run(
        id,
        namespaceId,
        key,
        revision,
        expiresAt,
        value,
        windowOf(entry),
        revision - 1,
      );
      if (changes === 0) return false;
      if (lastInsertRowid === id) {
        this.rowIds.used(id);
        this.counts.stage(namespaceId, 1);
      }
      return true;
    } catch (error) {
      this.rowIds.spoilt(id);
      throw error;
    }
  }

  /** Inserts or replaces; returns the row's id only when the row is new. */
  put(entry: WrittenEntry): number | undefined {
    const id = this.rowIds.next();
    if (this.#upsertRow(id, entry) !== id) return undefined;
    this.rowIds.used(id);
    this.counts.stage(entry.namespaceId, 1);
    return id;
  }

  /** Returns SQLite's last insert id. */
  #upsertRow(id: number, entry: WrittenEntry): number | bigint {
    const { namespaceId, key, revision, expiresAt, tagSet, value } = entry;
    try {
      const fresh = windowOf(entry);
      return this.#upsert.run(id, namespaceId, key, revision, expiresAt, tagSet, value, fresh)
        .lastInsertRowid;
    } catch (error) {
      this.rowIds.spoilt(id);
      throw error;
    }
  }

  /** Replaces the value; expiry and tags stay. */
  setValue(id: number, value: StoredValue, revision: number): void {
    this.#updateValue.run(revision, value, id);
  }

  setLifetime(id: number, lifetime: Lifetime, revision: number): void {
    this.#updateExpiry.run(revision, lifetime.expiresAt, windowOf(lifetime), id);
  }

  /** Changes only the revision, so that earlier fills yield to it. */
  setRevision(id: number, revision: number): void {
    this.#updateRevision.run(revision, id);
  }

  /** Whether it is known to be stale. The statement never reads this from large values. */
  isStale(id: number, now: number): boolean {
    return this.#isStale.get(id, now) === 1;
  }

  remove(namespaceId: number, key: string): RemovedRow | undefined {
    const row = this.#remove.get(namespaceId, key) as RemovedRow | undefined;
    if (row !== undefined) this.counts.stage(namespaceId, -1);
    return row;
  }

  removeById(id: number, namespaceId: number): void {
    if (this.#removeById.run(id).changes > 0) this.counts.stage(namespaceId, -1);
  }

  /** Keys with this prefix behind another key, in order of their UTF-8 bytes. Iterate to the end without an `await`. */
  page(
    namespaceId: number,
    { prefix, after, withValues }: Listing,
    limit: number,
  ): IterableIterator<ListedRow> {
    // In byte order, the successor of a string is the string plus a NUL.
    const from = after === '' ? prefix : `${after}\0`;
    const statement = withValues ? this.#pageValues : this.#page;
    const rows = statement.iterate(namespaceId, from, endOf(prefix), limit);
    return rows as IterableIterator<ListedRow>;
  }

  /** Entries with this prefix, from `from` on. */
  removable(namespaceId: number, prefix: string, from: string, limit: number): FoundRow[] {
    return this.#removable.all(namespaceId, from, endOf(prefix), limit) as FoundRow[];
  }

  /** Whole rows of a namespace behind a key, in order of their keys. Iterate to the end without an `await`. */
  rowsAfter(namespaceId: number, key: string, limit: number): IterableIterator<CopiedRow> {
    return this.#rowsAfter.iterate(namespaceId, key, limit) as IterableIterator<CopiedRow>;
  }

  /** Entries last written after one revision and up to another, oldest first. Iterate to the end without an `await`. */
  changedIn(from: number, to: number): IterableIterator<EntryRow> {
    return this.#changedIn.iterate(from, to) as IterableIterator<EntryRow>;
  }

  /** The columns that two nodes compare: rows behind a key, up to another key or to the end. */
  fingerprints(
    namespaceId: number,
    after: string,
    last: string | undefined,
    limit: number,
  ): Fingerprint[] {
    return this.#fingerprints.all(namespaceId, after, last ?? NO_END, limit) as Fingerprint[];
  }

  ofNamespace(namespaceId: number, limit: number): { id: number; tag_set: number }[] {
    return this.#ofNamespace.all(namespaceId, limit) as { id: number; tag_set: number }[];
  }

  /** The next rows of all namespaces in order of age: a scan for the sweeper and the evictor. */
  after(id: number, limit: number): RemovableRow[] {
    return this.#after.all(id, limit) as RemovableRow[];
  }
}

/** The value that the row stores: null without a window. */
function windowOf({
  expiresAt,
  freshUntil,
}: Pick<WrittenEntry, 'expiresAt' | 'freshUntil'>): number | null {
  return freshUntil === undefined || freshUntil === expiresAt ? null : freshUntil;
}

function endOf(prefix: string): string | Buffer {
  return prefixEnd(prefix) ?? NO_END;
}
