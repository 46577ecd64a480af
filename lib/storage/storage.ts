import { realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ClosedError, FileInUseError } from '../common/errors.js';
import type { Clock } from '../common/clock.js';
import type { Random } from '../common/random.js';
import { ChangeLog } from './change-log.js';
import { EntryCounts } from './entry-counts.js';
import { EntryTable } from './entry-table.js';
import type { Connection, Statement } from './native.js';
import { NamespaceTable } from './namespace-table.js';
import { openConnection, quarantine } from './open-connection.js';
import { RowIds } from './row-ids.js';
import { entrySql } from './sql/entries.js';
import { metaSql } from './sql/meta.js';
import { pragmaSql, transactionSql } from './sql/pragmas.js';
import { TagTable } from './tag-table.js';

/** @internal */
export interface StorageOptions {
  /** The database file; its directory is created. */
  readonly path: string;
  /** Every commit reaches the disk before it returns. */
  readonly fullSync: boolean;
  readonly clock: Clock;
  readonly random: Random;
}

/** Why a file was given up. @internal */
export type LossReason = 'corrupt' | 'unlinked';

/** Everything that belongs to one open file. */
interface OpenFile {
  readonly connection: Connection;
  readonly entries: EntryTable;
  readonly changes: ChangeLog;
  readonly tags: TagTable;
  readonly namespaces: NamespaceTable;
  readonly counts: EntryCounts;
  readonly historyId: string;
  readonly epoch: number;
  readonly inode: bigint;
  readonly pageSize: number;
  readonly pageCount: Statement;
  readonly freePages: Statement;
  readonly begin: () => unknown;
  readonly commit: () => unknown;
  readonly rollback: () => unknown;
}

/** Files that this process has open: two writers in one process would not see each other's L1. */
const openPaths = new Set<string>();

/**
 * One SQLite file: its tables, transactions, revisions and identity. The constructor does no I/O.
 *
 * @internal
 */
export class Storage {
  #file: OpenFile | undefined;
  #revision = 0;
  #staged = 0;
  #realPath = '';
  /** Where a file that was found damaged at {@link open} was put. */
  quarantined: string | undefined;

  constructor(private readonly options: StorageOptions) {}

  get path(): string {
    return this.options.path;
  }

  get isOpen(): boolean {
    return this.#file !== undefined;
  }

  get entries(): EntryTable {
    return this.#open.entries;
  }

  get changes(): ChangeLog {
    return this.#open.changes;
  }

  get tags(): TagTable {
    return this.#open.tags;
  }

  get namespaces(): NamespaceTable {
    return this.#open.namespaces;
  }

  get counts(): EntryCounts {
    return this.#open.counts;
  }

  /** Random, made with the file. */
  get historyId(): string {
    return this.#open.historyId;
  }

  /** Grows at each start after an unclean stop. */
  get epoch(): number {
    return this.#open.epoch;
  }

  /** The revision of the last committed change. */
  get revision(): number {
    return this.#revision;
  }

  /**
   * @throws {HC_FILE_IN_USE | HC_STORAGE_OPEN | HC_STORAGE_FOREIGN | HC_SCHEMA_NEWER | HC_NATIVE_MODULE}
   */
  open(): void {
    if (this.#file !== undefined) return;
    const { path } = this.options;
    const known = realPathOf(path);
    if (known !== undefined && openPaths.has(known)) throw new FileInUseError(path);
    this.#file = this.#openFile();
    this.#realPath = realPathOf(path) ?? path;
    openPaths.add(this.#realPath);
  }

  /** As {@link revision}, with what the running transaction has changed so far. */
  get head(): number {
    return this.#staged;
  }

  /** A revision for the change that the running transaction makes next. */
  nextRevision(): number {
    return ++this.#staged;
  }

  /**
   * Runs `body` in one transaction; if it throws, nothing happened.
   *
   * @throws what `body` throws, or SQLite's error
   */
  transaction<T>(body: () => T): T {
    const file = this.#open;
    file.begin();
    try {
      const result = body();
      file.commit();
      this.#settle(file);
      return result;
    } catch (error) {
      this.#abandon(file);
      throw error;
    }
  }

  /** As {@link transaction}, for a body that runs a single statement: SQLite's own transaction is enough. */
  statement<T>(body: () => T): T {
    const file = this.#open;
    try {
      const result = body();
      this.#settle(file);
      return result;
    } catch (error) {
      this.#abandon(file);
      throw error;
    }
  }

  /** Bytes of the file that hold something, and bytes of the file. */
  size(): { usedBytes: number; fileBytes: number } {
    const { pageSize, pageCount, freePages } = this.#open;
    const pages = Number(pageCount.get());
    const free = Number(freePages.get());
    return { usedBytes: (pages - free) * pageSize, fileBytes: pages * pageSize };
  }

  /** Bytes of the write-ahead log. */
  walBytes(): number {
    return statSync(`${this.path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  }

  /** Gives up to `bytes` of unused space at the end of the file back to the file system. */
  release(bytes: number): void {
    const pages = Math.ceil(bytes / this.#open.pageSize);
    this.#open.connection.exec(pragmaSql.releasePages(pages));
  }

  /** Whether the path no longer leads to the open file: writes would "succeed" into nothing. */
  isUnlinked(): boolean {
    return inodeOf(this.path) !== this.#open.inode;
  }

  /**
   * Begins a new file, with a new history, in place of one that cannot be used any more.
   *
   * @returns where the old one was put; undefined when it was gone
   */
  replace(reason: LossReason): string | undefined {
    this.#file?.connection.close();
    this.#file = undefined;
    const moved =
      reason === 'corrupt' ? quarantine(this.path, this.options.clock.now()) : undefined;
    this.#file = this.#openFile();
    return moved;
  }

  /** Marks the stop as clean and closes. Idempotent. */
  close(): void {
    const file = this.#file;
    if (file === undefined) return;
    this.#file = undefined;
    openPaths.delete(this.#realPath);
    try {
      const write = file.connection.prepare(metaSql.write);
      write.run('entry_counts', JSON.stringify(file.counts.snapshot()));
      write.run('clean', 1);
    } finally {
      file.connection.close();
    }
  }

  get #open(): OpenFile {
    if (this.#file === undefined) throw new ClosedError();
    return this.#file;
  }

  #settle(file: OpenFile): void {
    this.#revision = this.#staged;
    file.counts.commit();
  }

  #abandon(file: OpenFile): void {
    this.#staged = this.#revision;
    file.counts.rollback();
    // SQLite has already rolled back by itself when the disk is full.
    if (file.connection.inTransaction) file.rollback();
    if (file.connection.open) file.namespaces.reload();
  }

  #openFile(): OpenFile {
    const { path, fullSync, clock, random } = this.options;
    const { connection, quarantined } = openConnection({ path, fullSync, now: clock.now() });
    this.quarantined = quarantined;
    try {
      const begin = connection.prepare(transactionSql.begin);
      const commit = connection.prepare(transactionSql.commit);
      const rollback = connection.prepare(transactionSql.rollback);
      const identity = startEpoch(connection, random, fullSync);
      const rowIds = new RowIds(Number(connection.prepare(entrySql.lastId).pluck().get() ?? 0));
      const changes = new ChangeLog(connection, rowIds);
      const counts = new EntryCounts(identity.counts ?? countRows(connection));
      this.#revision = this.#staged = changes.head();
      return {
        connection,
        entries: new EntryTable(connection, rowIds, counts),
        changes,
        tags: new TagTable(connection),
        namespaces: new NamespaceTable(connection, rowIds),
        counts,
        historyId: identity.historyId,
        epoch: identity.epoch,
        inode: inodeOf(path) ?? 0n,
        pageSize: Number(connection.prepare(pragmaSql.pageSize).pluck().get()),
        pageCount: connection.prepare(pragmaSql.pageCount).pluck(),
        freePages: connection.prepare(pragmaSql.freePages).pluck(),
        begin: () => begin.run(),
        commit: () => commit.run(),
        rollback: () => rollback.run(),
      };
    } catch (error) {
      connection.close();
      throw error;
    }
  }
}

interface Identity {
  readonly historyId: string;
  readonly epoch: number;
  /** Rows by namespace as noted by a clean stop. */
  readonly counts: [number, number][] | undefined;
}

/** Reads who the file is, and notes durably that it is in use from here on. */
function startEpoch(connection: Connection, random: Random, fullSync: boolean): Identity {
  const read = connection.prepare(metaSql.read).pluck();
  const write = connection.prepare(metaSql.write);
  const historyId = String(read.get('history_id') ?? random.hex(16));
  const clean = read.get('clean') === 1;
  const epoch = Number(read.get('epoch') ?? 0) + (clean ? 0 : 1);
  const counts = clean ? parseCounts(read.get('entry_counts')) : undefined;
  connection.exec(pragmaSql.syncFull);
  connection.exec(transactionSql.begin);
  write.run('history_id', historyId);
  write.run('epoch', epoch);
  write.run('clean', 0);
  connection.exec(transactionSql.commit);
  if (!fullSync) connection.exec(pragmaSql.syncNormal);
  return { historyId, epoch, counts };
}

function parseCounts(stored: unknown): [number, number][] | undefined {
  return typeof stored === 'string' ? (JSON.parse(stored) as [number, number][]) : undefined;
}

function countRows(connection: Connection): [number, number][] {
  return connection.prepare(entrySql.countByNamespace).raw().all() as [number, number][];
}

function inodeOf(path: string): bigint | undefined {
  return statSync(path, { bigint: true, throwIfNoEntry: false })?.ino;
}

function realPathOf(path: string): string | undefined {
  try {
    return join(realpathSync(dirname(path)), basename(path));
  } catch {
    return undefined;
  }
}
