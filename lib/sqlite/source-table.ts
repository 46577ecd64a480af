import type { Connection, Statement } from './native.js';
import { sourceSql } from './sql/sources.js';

/**
 * Asynchronous writes of another node that were executed one after the other. The first has `revision` and `sequence`,
 * and each of the `count` writes has the next of both.
 *
 * @internal
 */
export interface SourceRun {
  readonly revision: number;
  readonly source: string;
  readonly sequence: number;
  readonly count: number;
}

/** The last executed sequence of one source. @internal */
export type SourceMark = readonly [source: string, sequence: number];

/** Bound of the writes in one run, which limits how far back a run can begin. @internal */
export const MAX_RUN = 500;

/**
 * The last executed asynchronous write of each other node. While the change log still covers them, it also contains the
 * revisions of the writes.
 *
 * @internal
 */
export class SourceTable {
  readonly #last: Statement;
  readonly #all: Statement;
  readonly #mark: Statement;
  readonly #forget: Statement;
  readonly #log: Statement;
  readonly #logged: Statement;
  readonly #trimLog: Statement;

  constructor(connection: Connection) {
    this.#last = connection.prepare(sourceSql.last).pluck();
    this.#all = connection.prepare(sourceSql.all);
    this.#mark = connection.prepare(sourceSql.mark);
    this.#forget = connection.prepare(sourceSql.forget);
    this.#log = connection.prepare(sourceSql.log);
    this.#logged = connection.prepare(sourceSql.logged);
    this.#trimLog = connection.prepare(sourceSql.trimLog);
  }

  /** The sequence of the last executed write of a source; 0 for none. */
  last(source: string): number {
    return Number(this.#last.get(source) ?? 0);
  }

  /** All marks, and the head of the change log at the same moment; undefined when there are none. */
  all(): { readonly head: number; readonly marks: SourceMark[] } | undefined {
    const rows = this.#all.all() as { id: string; sequence: number; head: number | null }[];
    const [first] = rows;
    if (first === undefined) return undefined;
    return { head: first.head ?? 0, marks: rows.map(({ id, sequence }) => [id, sequence]) };
  }

  /** Called inside the transaction that executes the writes, or that brings their changes. */
  record(runs: readonly SourceRun[], now: number): void {
    const marks = new Map<string, number>();
    for (const { revision, source, sequence, count } of runs) {
      this.#log.run(revision, source, sequence, count);
      marks.set(source, sequence + count - 1);
    }
    this.mark(Array.from(marks), now);
  }

  /** As {@link record}, for the case that the revisions are not needed. */
  mark(marks: readonly SourceMark[], now: number): void {
    for (const [source, sequence] of marks) this.#mark.run(source, sequence, now);
  }

  /** The runs after one revision, up to another. */
  between(from: number, to: number): SourceRun[] {
    const rows = this.#logged.all(from - MAX_RUN, to, from) as SourceRun[];
    return rows.map(({ revision, source, sequence, count }) => {
      const end = revision + count - 1;
      // Repeat a run that ends at `from`: a refused write, which changes nothing, may follow it.
      const begin = Math.min(Math.max(revision, from + 1), end);
      const last = Math.min(end, to);
      return {
        revision: begin,
        source,
        sequence: sequence + begin - revision,
        count: last - begin + 1,
      };
    });
  }

  /** Forgets the revisions of the oldest runs, up to a revision; a bounded number of them. */
  trimLog(revision: number, limit: number): void {
    this.#trimLog.run(revision, limit);
  }

  /** Forgets sources that have sent nothing since a time, in Unix ms. */
  forget(before: number): void {
    this.#forget.run(before);
  }
}
