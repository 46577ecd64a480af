import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../common/clock.js';
import {
  ClosedError,
  FileInUseError,
  HyperCacheError,
  NewerSchemaError,
  StorageOpenError,
} from '../common/errors.js';
import type { Random } from '../common/random.js';
import { makeDirectory } from './file-mode.js';
import { connect, type Connection, type Statement } from './native.js';
import { quarantine } from './open-connection.js';
import { stateOnce } from './outbox-probe.js';
import { metaSql } from './sql/meta.js';
import { OUTBOX_MIGRATIONS, outboxSql } from './sql/outbox.js';
import { pragmaSql, transactionSql } from './sql/pragmas.js';
import { isBusy, isCorruption } from './sqlite-error.js';

/** A command that waits for the primary, as bytes. @internal */
export interface OutboxRow {
  readonly sequence: number;
  readonly source: string;
  readonly command: Buffer;
  /** Unix ms. Never earlier than what the file already contains, even when the clock is set. */
  readonly acceptedAt: number;
}

/** A command that the primary has refused. @internal */
export interface DeadLetterRow {
  /** Unix ms. */
  readonly at: number;
  readonly code: string;
  readonly message: string;
  readonly command: Buffer;
}

/** @internal */
export interface OutboxFileOptions {
  /** The directory of the outboxes of the node's processes. */
  readonly directory: string;
  /** Whether every commit reaches the disk before it returns. */
  readonly fullSync: boolean;
  readonly clock: Clock;
  readonly random: Random;
}

interface OpenOutbox {
  readonly connection: Connection;
  readonly source: string;
  readonly add: Statement;
  readonly page: Statement;
  readonly remove: Statement;
  readonly removeUpTo: Statement;
  readonly insertDeadLetter: Statement;
  readonly trimDeadLetters: Statement;
  readonly deadLetters: Statement;
  readonly deadLetterCount: Statement;
}

interface Last {
  readonly sequence: number | null;
  readonly acceptedAt: number | null;
}

/** Number of processes of a node that can have an outbox each. */
const MAX_PROCESSES = 64;

const SOURCE_BYTES = 16;
const DEAD_LETTERS = 1000;

/**
 * The file in which a node's asynchronous writes wait for the primary. It survives the replica, which a snapshot may
 * replace. Each start of the node is a separate source. So when a power loss takes the last rows, later writes are
 * never mistaken for those that were sent before.
 *
 * @internal
 */
export class OutboxFile {
  /** The number of this outbox: how many other processes of the node had one open earlier. */
  number = 0;
  #open: OpenOutbox | undefined;
  /** The last sequence. After a crash a sequence may repeat, but under another source. */
  #last = 0;
  #lastAt = 0;
  /** Path of the quarantined file, when {@link open} found the outbox damaged. */
  quarantined: string | undefined;

  constructor(private readonly options: OutboxFileOptions) {}

  /**
   * Opens the first outbox in the directory that no other process has open.
   *
   * @param mayHold whether the outbox may hold writes of a process that has ended
   * @throws {HC_STORAGE_OPEN | HC_FILE_IN_USE | HC_SCHEMA_NEWER | HC_NATIVE_MODULE}
   */
  open(mayHold = true): void {
    const { directory } = this.options;
    makeDirectory(directory);
    for (let number = 0; number < MAX_PROCESSES; number++) {
      const path = join(directory, outboxName(number));
      if (!mayHold && stateOnce(path) !== 'empty') continue;
      try {
        this.#open = this.#openOrReplace(path);
        this.number = number;
        return;
      } catch (error) {
        if (!isBusy(error)) throw cannotOpen(path, error);
      }
    }
    throw new FileInUseError(join(directory, outboxName(0)));
  }

  /**
   * Opens the outbox of a process that has ended, by its number.
   *
   * @returns false when a process has it open
   * @throws {HC_STORAGE_OPEN | HC_SCHEMA_NEWER | HC_NATIVE_MODULE}
   */
  openLeft(number: number): boolean {
    const path = join(this.options.directory, outboxName(number));
    try {
      this.#open = this.#openOrReplace(path);
      return true;
    } catch (error) {
      if (isBusy(error)) return false;
      throw cannotOpen(path, error);
    }
  }

  #openOrReplace(path: string): OpenOutbox {
    try {
      return this.#connect(path);
    } catch (error) {
      if (!isCorruption(error)) throw error;
      this.quarantined = quarantine(path, this.options.clock.now());
      return this.#connect(path);
    }
  }

  close(): void {
    this.#open?.connection.close();
    this.#open = undefined;
  }

  /** Random, one for each start. */
  get source(): string {
    return this.#file.source;
  }

  /**
   * Adds commands durably, all or none; returns their sequences.
   *
   * @param replaced sequences of the commands that these replace
   */
  add(commands: readonly Buffer[], replaced: readonly number[] = []): number[] {
    const { add, remove, source } = this.#file;
    this.#lastAt = Math.max(this.#lastAt, this.options.clock.now());
    return this.#transaction(() => {
      for (const sequence of replaced) remove.run(sequence);
      return commands.map((command) => {
        const sequence = ++this.#last;
        add.run(sequence, source, command, this.#lastAt);
        return sequence;
      });
    });
  }

  /** Later writes get a time after this one, in Unix ms. */
  follow(acceptedAt: number): void {
    this.#lastAt = Math.max(this.#lastAt, acceptedAt);
  }

  /** The first rows behind a sequence. */
  page(after: number, limit: number): OutboxRow[] {
    return this.#file.page.all(after, limit) as OutboxRow[];
  }

  /** Removes all rows up to a sequence: they are done. */
  removeUpTo(sequence: number): void {
    this.#file.removeUpTo.run(sequence);
  }

  /** Keeps a refused command as a dead letter; beyond 1,000, the oldest one is removed. */
  moveToDeadLetters(sequence: number, code: string, message: string): void {
    const { insertDeadLetter, trimDeadLetters } = this.#file;
    insertDeadLetter.run(this.options.clock.now(), code, message, sequence);
    trimDeadLetters.run(DEAD_LETTERS);
  }

  /** The dead letters, newest first. */
  deadLetters(limit: number): DeadLetterRow[] {
    return this.#file.deadLetters.all(limit) as DeadLetterRow[];
  }

  get deadLetterCount(): number {
    return Number(this.#file.deadLetterCount.get());
  }

  get #file(): OpenOutbox {
    if (this.#open === undefined) throw new ClosedError();
    return this.#open;
  }

  #transaction<T>(body: () => T): T {
    const { connection } = this.#file;
    connection.exec(transactionSql.begin);
    try {
      const result = body();
      connection.exec(transactionSql.commit);
      return result;
    } catch (error) {
      // SQLite has already rolled back by itself when the disk is full.
      if (connection.inTransaction) connection.exec(transactionSql.rollback);
      throw error;
    }
  }

  #connect(path: string): OpenOutbox {
    const { fullSync, random } = this.options;
    const connection = connect(path, { timeout: 0 });
    try {
      connection.exec(outboxSql.newFile);
      connection.exec(outboxSql.pragmas('FULL'));
      connection.exec(transactionSql.begin);
      const version = Number(connection.prepare(pragmaSql.readUserVersion).pluck().get());
      const known = OUTBOX_MIGRATIONS.length;
      if (version > known) throw new NewerSchemaError(path, version, known);
      for (const migration of OUTBOX_MIGRATIONS.slice(version)) connection.exec(migration);
      connection.exec(outboxSql.writeApplicationId);
      connection.exec(pragmaSql.writeUserVersion(known));
      const source = random.hex(SOURCE_BYTES);
      // No reader needs this write, but it takes the lock, which is held from here on.
      connection.prepare(metaSql.write).run('source', source);
      connection.exec(transactionSql.commit);
      if (!fullSync) connection.exec(pragmaSql.syncNormal);
      const prepare = (sql: string): Statement => connection.prepare(sql);
      const last = prepare(outboxSql.last).get() as Last;
      this.#last = last.sequence ?? 0;
      this.#lastAt = last.acceptedAt ?? 0;
      return {
        connection,
        source,
        add: prepare(outboxSql.add),
        page: prepare(outboxSql.page),
        remove: prepare(outboxSql.remove),
        removeUpTo: prepare(outboxSql.removeUpTo),
        insertDeadLetter: prepare(outboxSql.insertDeadLetter),
        trimDeadLetters: prepare(outboxSql.trimDeadLetters),
        deadLetters: prepare(outboxSql.deadLetters),
        deadLetterCount: prepare(outboxSql.deadLetterCount).pluck(),
      };
    } catch (error) {
      connection.close();
      throw error;
    }
  }
}

/** The numbers of the outboxes in a directory, in ascending order. @internal */
export function outboxNumbers(directory: string): number[] {
  if (!existsSync(directory)) return [];
  const numbers = readdirSync(directory).flatMap((name) => {
    const match = /^hypercache\.outbox(?:-(\d+))?\.sqlite$/.exec(name);
    return match === null ? [] : [Number(match[1] ?? 0)];
  });
  return numbers.toSorted((a, b) => a - b);
}

/** @internal */
export function outboxName(number: number): string {
  return number === 0 ? 'hypercache.outbox.sqlite' : `hypercache.outbox-${number}.sqlite`;
}

function cannotOpen(path: string, cause: unknown): HyperCacheError {
  if (cause instanceof HyperCacheError) return cause;
  return new StorageOpenError(
    `${path} cannot be opened for writing.`,
    'Point sqlitePath (or HYPERCACHE_SQLITE_PATH) at a directory that this process may write to, on a local disk.',
    { cause },
  );
}
