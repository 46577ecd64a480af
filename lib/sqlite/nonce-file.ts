import type { Clock } from '../common/clock.js';
import { ClosedError, NewerSchemaError } from '../common/errors.js';
import type { Random } from '../common/random.js';
import { connect, type Connection, type Statement } from './native.js';
import { quarantine } from './open-connection.js';
import { NONCE_MIGRATIONS, nonceSql } from './sql/nonces.js';
import { pragmaSql, transactionSql } from './sql/pragmas.js';
import { isCorruption } from './sqlite-error.js';

/** Nonces that are remembered, some 40 bytes each. */
const MAX_NONCES = 200_000;
/** The share that is forgotten together when there are too many. */
const FORGOTTEN_SHARE = 1 / 1000;

const NODE_BYTES = 16;

/** @internal */
export interface NonceFileOptions {
  /** ':memory:' for a file that only this process knows. */
  readonly path: string;
  readonly role: string;
  /** When this process started to accept requests, in Unix ms: a new file knows nothing of what was signed before. */
  readonly since: number;
  readonly clock: Clock;
  readonly random: Random;
  /** @default 200,000 */
  readonly maxNonces?: number | undefined;
}

/** What a signature claims. @internal */
export interface SignedNonce {
  readonly nonce: string;
  /** Unix ms. */
  readonly timestamp: number;
  /** Whether the signature names this node. */
  readonly isNamed: boolean;
}

interface OpenFile {
  readonly connection: Connection;
  readonly node: string;
  readonly state: Statement;
  readonly add: Statement;
  readonly hold: Statement;
  readonly oldest: Statement;
  readonly forget: Statement;
}

interface State {
  readonly forgotten: number;
  readonly unnamedAfter: number;
  readonly held: number;
}

/**
 * The nonces of the signed requests that a node has accepted. They cover all of its processes and starts, even when the
 * clock is set. No nonce is forgotten by time. When there are too many, the oldest ones are forgotten, and requests of
 * that age are refused from then on.
 *
 * @internal
 */
export class NonceFile {
  #open: OpenFile | undefined;
  #isClosed = false;
  #isDamaged = false;

  constructor(private readonly options: NonceFileOptions) {}

  /**
   * The name that signatures must contain for this node.
   *
   * @throws SQLite's error; SQLITE_BUSY when the file is locked
   * @throws {HC_CLOSED | HC_SCHEMA_NEWER | HC_NATIVE_MODULE}
   */
  get node(): string {
    return this.#file.node;
  }

  /**
   * Remembers a nonce; returns false when it was remembered before, or may have been.
   *
   * @throws as {@link node}
   */
  remember({ nonce, timestamp, isNamed }: SignedNonce): boolean {
    const { connection, state, add, hold } = this.#file;
    return this.#transaction(connection, () => {
      const { forgotten, unnamedAfter, held } = state.get() as State;
      if (timestamp <= forgotten || (!isNamed && timestamp < unnamedAfter)) return false;
      if (add.run(timestamp, nonce).changes === 0) return false;
      hold.run(1, -1);
      if (held + 1 > this.#maxNonces) this.#forgetOldest();
      return true;
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#disconnect();
  }

  get #maxNonces(): number {
    return this.options.maxNonces ?? MAX_NONCES;
  }

  #forgetOldest(): void {
    const { oldest, forget, hold } = this.#file;
    const upTo = oldest.get(Math.floor(this.#maxNonces * FORGOTTEN_SHARE)) as number;
    hold.run(-forget.run(upTo).changes, upTo);
  }

  get #file(): OpenFile {
    if (this.#isClosed) throw new ClosedError();
    if (this.#open !== undefined) return this.#open;
    const { path, since, clock } = this.options;
    if (!this.#isDamaged) {
      try {
        return (this.#open = this.#connect(since));
      } catch (error) {
        if (!isCorruption(error)) throw error;
      }
    }
    const now = clock.now();
    quarantine(path, now);
    this.#isDamaged = false;
    return (this.#open = this.#connect(now));
  }

  /** Runs a transaction. After damage, the next access puts the file aside. */
  #transaction<T>(connection: Connection, body: () => T): T {
    try {
      connection.exec(transactionSql.begin);
      const result = body();
      connection.exec(transactionSql.commit);
      return result;
    } catch (error) {
      if (connection.inTransaction) connection.exec(transactionSql.rollback);
      if (isCorruption(error)) {
        this.#isDamaged = true;
        this.#disconnect();
      }
      throw error;
    }
  }

  #disconnect(): void {
    this.#open?.connection.close();
    this.#open = undefined;
  }

  #connect(since: number): OpenFile {
    const { path, role, random } = this.options;
    const connection = connect(path, { timeout: 0 });
    const prepare = (sql: string): Statement => connection.prepare(sql);
    try {
      connection.exec(nonceSql.newFile);
      connection.exec(nonceSql.pragmas);
      connection.exec(transactionSql.begin);
      const version = Number(prepare(pragmaSql.readUserVersion).pluck().get());
      const known = NONCE_MIGRATIONS.length;
      if (version > known) throw new NewerSchemaError(path, version, known);
      for (const migration of NONCE_MIGRATIONS.slice(version)) connection.exec(migration);
      connection.exec(nonceSql.writeApplicationId);
      connection.exec(pragmaSql.writeUserVersion(known));
      prepare(nonceSql.begin).run(random.hex(NODE_BYTES), role, since);
      prepare(nonceSql.takeRole).run({ role, since });
      connection.exec(transactionSql.commit);
      return {
        connection,
        node: prepare(nonceSql.node).pluck().get() as string,
        state: prepare(nonceSql.state),
        add: prepare(nonceSql.add),
        hold: prepare(nonceSql.hold),
        oldest: prepare(nonceSql.oldest).pluck(),
        forget: prepare(nonceSql.forget),
      };
    } catch (error) {
      connection.close();
      throw error;
    }
  }
}
