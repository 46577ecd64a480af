import type { Connection, Statement } from './native.js';
import { sourceSql } from './sql/sources.js';

/**
 * How far the asynchronous writes of each other node have come.
 *
 * @internal
 */
export class SourceTable {
  readonly #last: Statement;
  readonly #mark: Statement;
  readonly #forget: Statement;

  constructor(connection: Connection) {
    this.#last = connection.prepare(sourceSql.last).pluck();
    this.#mark = connection.prepare(sourceSql.mark);
    this.#forget = connection.prepare(sourceSql.forget);
  }

  /** The sequence of the last write of a source that was executed; 0 for none. */
  last(source: string): number {
    return Number(this.#last.get(source) ?? 0);
  }

  /** Inside the transaction that executes the write. */
  mark(source: string, sequence: number, now: number): void {
    this.#mark.run(source, sequence, now);
  }

  /** Forgets sources of which nothing was heard since a time, in Unix ms. */
  forget(before: number): void {
    this.#forget.run(before);
  }
}
