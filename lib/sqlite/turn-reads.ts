import { AsyncResource } from 'node:async_hooks';
import type { Connection, Statement } from './native.js';
import { transactionSql } from './sql/pragmas.js';

/** After this many reads another transaction begins, which sees what was committed elsewhere in the meantime. */
const MAX_READS = 64;

/**
 * The reads of one turn of the event loop share a transaction, because taking and releasing the read locks costs as
 * much as the read itself. SQLite handles the first read of a turn alone, because it is often the only one.
 *
 * @internal
 */
export class TurnReads {
  readonly #begin: Statement;
  readonly #commit: Statement;
  /** Reads of this turn in this transaction. */
  #reads = 0;
  #isTurnKnown = false;
  #isOpen = false;

  constructor(private readonly connection: Connection) {
    this.#begin = connection.prepare(transactionSql.beginRead);
    this.#commit = connection.prepare(transactionSql.commit);
  }

  /** Called before each read. */
  join(): void {
    if (this.#isOpen) {
      if (++this.#reads > MAX_READS) this.end();
      return;
    }
    if (!this.#isTurnKnown) {
      this.#isTurnKnown = true;
      setImmediate(this.#endTurn);
      return;
    }
    this.#begin.run();
    this.#isOpen = true;
    this.#reads = 1;
  }

  /** Called before any other use of the connection. */
  end(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    // After some failures, SQLite has already ended it by itself.
    if (!this.connection.open || !this.connection.inTransaction) return;
    try {
      this.#commit.run();
    } catch (error) {
      this.#isOpen = this.connection.inTransaction;
      throw error;
    }
  }

  /** Runs in no caller's context. */
  readonly #endTurn = AsyncResource.bind((): void => {
    this.#isTurnKnown = false;
    try {
      this.end();
    } catch {
      // The transaction only read. The next use of the connection tries again, and reports a failure to its caller.
    }
  });
}
