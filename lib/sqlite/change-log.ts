import type { Connection, Statement } from './native.js';
import type { RowIds } from './row-ids.js';
import { changeSql } from './sql/changes.js';

/** What a row of the change log is about. The file contains these numbers. @internal */
export const ChangeKind = { Key: 0, Clear: 1, Prefix: 2, Tag: 3 } as const;
/** @internal */
export type ChangeKind = (typeof ChangeKind)[keyof typeof ChangeKind];

/** One row of the log. @internal */
export interface ChangeRow {
  readonly revision: number;
  readonly namespace_id: number;
  readonly kind: ChangeKind;
  readonly key: string;
}

/** Overhead of a row in addition to its key, and a factor for the part of a page that stays empty. */
const ROW_BYTES = 20;
const PAGE_FACTOR = 4 / 3;

/** The entry that a fill must not overwrite or resurrect. @internal */
export interface FillTarget {
  readonly namespaceId: number;
  readonly key: string;
  readonly tags: readonly string[];
  /** The last revision that the filler had seen when it found the key missing. */
  readonly seen: number;
}

/**
 * The log of changes, which contains keys but no values. It has one row for each revision, and is bounded in entries
 * and age. The last row always stays, because it holds the head.
 *
 * @internal
 */
export class ChangeLog {
  readonly #append: Statement;
  readonly #head: Statement;
  readonly #oldest: Statement;
  readonly #since: Statement;
  readonly #page: Statement;
  readonly #conflict: Statement;
  readonly #averageKeyBytes: Statement;
  readonly #trim: Statement;
  readonly #mark: Statement;
  readonly #lastMarkBefore: Statement;
  readonly #trimMarks: Statement;

  constructor(
    connection: Connection,
    private readonly rowIds: RowIds,
  ) {
    this.#append = connection.prepare(changeSql.append);
    this.#head = connection.prepare(changeSql.head).pluck();
    this.#oldest = connection.prepare(changeSql.oldest).pluck();
    this.#since = connection.prepare(changeSql.since);
    this.#page = connection.prepare(changeSql.page);
    this.#conflict = connection.prepare(changeSql.conflict).pluck();
    this.#averageKeyBytes = connection.prepare(changeSql.averageKeyBytes).pluck();
    this.#trim = connection.prepare(changeSql.trim);
    this.#mark = connection.prepare(changeSql.mark);
    this.#lastMarkBefore = connection.prepare(changeSql.lastMarkBefore).pluck();
    this.#trimMarks = connection.prepare(changeSql.trimMarks);
  }

  append(revision: number, namespaceId: number, kind: ChangeKind, key: string): void {
    this.#append.run(revision, namespaceId, kind, key);
    this.rowIds.noteForeign(revision);
  }

  /** The revision of the last change; 0 in a new file. */
  head(): number {
    return Number(this.#head.get() ?? 0);
  }

  /** The oldest revision still logged; 0 in a new file. */
  oldest(): number {
    return Number(this.#oldest.get() ?? 0);
  }

  /** Everything after a revision, oldest first. */
  since(revision: number): ChangeRow[] {
    return this.#since.all(revision) as ChangeRow[];
  }

  /** The first `limit` changes after a revision, oldest first. */
  page(revision: number, limit: number): ChangeRow[] {
    return this.#page.all(revision, limit) as ChangeRow[];
  }

  /** Whether something happened to the target after it was seen, or the log no longer reaches back that far. */
  conflictsWith({ namespaceId, key, tags, seen }: FillTarget, head: number): boolean {
    if (seen >= head) return false;
    if (seen + 1 < this.oldest()) return true;
    return (
      this.#conflict.get({ seen, namespace: namespaceId, key, tags: JSON.stringify(tags) }) === 1
    );
  }

  /** Records that the log's head was `revision` at `now`, Unix ms. */
  mark(revision: number, now: number): void {
    this.#mark.run(revision, now);
    this.rowIds.noteForeign(revision);
  }

  /** The last recorded revision that was the head at `time` or before; 0 when none is known. */
  headAt(time: number): number {
    return Number(this.#lastMarkBefore.get(time) ?? 0);
  }

  /** Estimates the size of one row in the file, in bytes, from the rows at both ends of the log. */
  rowBytes(): number {
    return (Number(this.#averageKeyBytes.get() ?? 0) + ROW_BYTES) * PAGE_FACTOR;
  }

  /**
   * Removes at most `limit` of the oldest revisions up to `revision`, but never the last one; returns how many. On a
   * replica, some revisions have no row.
   */
  trim(revision: number, limit: number): number {
    const first = this.oldest();
    const last = Math.min(revision, first + limit - 1, this.head() - 1);
    this.#trim.run(last);
    this.#trimMarks.run(last);
    return Math.max(0, last - first + 1);
  }
}
