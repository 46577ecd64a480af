import { AsyncResource } from 'node:async_hooks';
import type { Connection, Statement } from './native.js';
import { transactionSql } from './sql/pragmas.js';

/** Then another transaction begins: what is committed elsewhere meanwhile is seen after so many reads at most. */
const MAX_READS = 64;

/**
 * The reads of one turn of the event loop share a transaction: taking and returning the locks of a read costs as much
 * as the read itself. The first one of a turn, which is often the only one, is left to SQLite.
 *
 * @internal
 */
export class TurnReads {
  readonly #begin: Statement;
  readonly #commit: Statement;
  /** Of this turn, in this transaction. */
  #reads = 0;
  #isTurnKnown = false;
  #isOpen = false;

  constructor(private readonly connection: Connection) {
    this.#begin = connection.prepare(transactionSql.beginRead);
    this.#commit = connection.prepare(transactionSql.commit);
  }

  /** Before each read. */
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

  /** Before anything else is done with the connection. */
  end(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    // SQLite has ended it by itself after some failures.
    if (!this.connection.open || !this.connection.inTransaction) return;
    try {
      this.#commit.run();
    } catch (error) {
      this.#isOpen = this.connection.inTransaction;
      throw error;
    }
  }

  /** Belongs to no caller. */
  readonly #endTurn = AsyncResource.bind((): void => {
    this.#isTurnKnown = false;
    try {
      this.end();
    } catch {
      // It has only read. What is done next with the connection tries again, and tells its caller.
    }
  });
}
