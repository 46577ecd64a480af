import { statSync } from 'node:fs';
import { ChangeLog } from './change-log.js';
import { CountTable } from './count-table.js';
import { EntryCounts } from './entry-counts.js';
import { EntryTable } from './entry-table.js';
import {
  announceSharing,
  COUNTS_SHARED_META_KEY,
  countRows,
  enter,
  look,
  noteClock,
  type EntryOptions,
  type EpochStart,
  type Identity,
} from './file-identity.js';
import { LeaseTable } from './lease-table.js';
import { ListingTable } from './listing-table.js';
import { NamespaceTable } from './namespace-table.js';
import type { Connection, Statement } from './native.js';
import { OPEN_TIMEOUT_MS, openConnection, openForReading, quarantine } from './open-connection.js';
import { RowIds } from './row-ids.js';
import { RunTable } from './run-table.js';
import { SourceTable } from './source-table.js';
import { salvageEpoch } from './salvage-epoch.js';
import { entrySql } from './sql/entries.js';
import { metaSql } from './sql/meta.js';
import { pragmaSql, transactionSql } from './sql/pragmas.js';
import { isCorruption, sqliteCode, toStorageError } from './sqlite-error.js';
import { TagTable } from './tag-table.js';
import { ThrottleTable } from './throttle-table.js';

/** @internal */
export interface OpenFileOptions extends EntryOptions {
  /** The file belongs to another node: it is read in place, and never changed. */
  readonly isReadOnly?: boolean;
}

/** Everything that belongs to one open file. @internal */
export interface OpenFile {
  readonly connection: Connection;
  readonly entries: EntryTable;
  readonly changes: ChangeLog;
  readonly tags: TagTable;
  readonly namespaces: NamespaceTable;
  readonly leases: LeaseTable;
  readonly throttles: ThrottleTable;
  readonly runs: RunTable;
  readonly sources: SourceTable;
  readonly counts: EntryCounts;
  readonly listing: ListingTable;
  readonly historyId: string;
  readonly epoch: number;
  /** The head of the log when this process entered; others may have committed since. */
  readonly head: number;
  /** The head of the log at the start of each of the last epochs. */
  readonly epochStarts: readonly EpochStart[];
  readonly processId: string;
  readonly inode: bigint;
  /** Path of the quarantined file, when the file at the path was damaged. */
  readonly quarantined: string | undefined;
  readonly pageSize: number;
  readonly pageCount: Statement;
  readonly freePages: Statement;
  begin(): void;
  commit(): void;
  rollback(): void;
  /** The text of a note; undefined when there is none. */
  readMeta(name: string): string | undefined;
  /** Called inside a transaction. */
  writeMeta(name: string, text: string): void;
  /** Called inside a transaction. */
  removeMeta(name: string): void;
  /** Runs `body`; its commits are on the disk when this returns, whatever the durability. */
  durably(body: () => void): void;
  /** Whether another process has the file open. */
  isShared(): boolean;
  /**
   * From here on, {@link counts} are shared. A change is added to the log, so that other processes notice. Runs in its
   * own transaction.
   */
  shareCounts(): void;
  /** From here on, the counts are not shared: this process is the only one. Runs in its own transaction. */
  keepCounts(): void;
  /** A number that changes when another connection commits. */
  dataVersion(): number;
  /** Reloads what memory keeps of the file. Called inside a transaction. */
  noteOthersChanges(): void;
  /** Records a clean stop. */
  leave(): void;
  close(): void;
}

/**
 * Opens the file and records durably that it is in use.
 *
 * @throws {HC_STORAGE_OPEN | HC_STORAGE_FOREIGN | HC_SCHEMA_NEWER | HC_NATIVE_MODULE}
 * @throws {HC_STORAGE_FULL | HC_STORAGE_BUSY | HC_STORAGE_FAILED} when that cannot be recorded
 * @internal
 */
export function openFile(options: OpenFileOptions, epochFloor = 0): OpenFile {
  if (options.isReadOnly === true) return openReadOnly(options);
  try {
    return open(options, epochFloor, undefined);
  } catch (error) {
    if (!isCorruption(error)) throw sqliteCode(error) === '' ? error : toStorageError(error);
    // Damage behind a sound header appears only when the tables are read.
    return open(options, epochFloor, quarantine(options.path, options.clock.now()));
  }
}

function open(
  options: OpenFileOptions,
  epochFloor: number,
  putAside: string | undefined,
): OpenFile {
  const { path, fullSync, clock } = options;
  const { connection, quarantined = putAside } = openConnection({
    path,
    fullSync,
    now: clock.now(),
  });
  return withIdentity(
    connection,
    () => {
      const salvaged = quarantined === undefined ? 0 : salvageEpoch(quarantined);
      return enter(connection, options, Math.max(epochFloor, salvaged));
    },
    (identity) => assemble(connection, identity, options, quarantined),
  );
}

function openReadOnly(options: OpenFileOptions): OpenFile {
  const connection = openForReading(options.path);
  return withIdentity(
    connection,
    () => look(connection),
    (identity) => assemble(connection, identity, options, undefined),
  );
}

/** Leaves nothing open when a step fails. */
function withIdentity(
  connection: Connection,
  identify: () => Identity,
  build: (identity: Identity) => OpenFile,
): OpenFile {
  let identity: Identity | undefined;
  try {
    identity = identify();
    return build(identity);
  } catch (error) {
    connection.close();
    identity?.unlock();
    throw error;
  }
}

/** @internal */
export function inodeOf(path: string): bigint | undefined {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false })?.ino;
  } catch {
    // A parent is no longer a directory, or this process may not search it.
    return undefined;
  }
}

function assemble(
  connection: Connection,
  identity: Identity,
  options: OpenFileOptions,
  quarantined: string | undefined,
): OpenFile {
  const { path, isReadOnly = false } = options;
  const begin = connection.prepare(transactionSql.begin);
  const commit = connection.prepare(transactionSql.commit);
  const rollback = connection.prepare(transactionSql.rollback);
  const dataVersion = connection.prepare(pragmaSql.dataVersion).pluck();
  const lastId = connection.prepare(entrySql.lastId).pluck();
  const readMeta = connection.prepare(metaSql.read).pluck();
  const writeMeta = connection.prepare(metaSql.write);
  const removeMeta = connection.prepare(metaSql.remove);
  connection.exec(pragmaSql.busyTimeout(0));
  const rowIds = new RowIds(Number(lastId.get() ?? 0));
  const countTable = new CountTable(connection);
  const counts = new EntryCounts(countTable, identity.counts, identity.sharesCounts);
  const namespaces = new NamespaceTable(connection, rowIds);
  return {
    connection,
    entries: new EntryTable(connection, rowIds, counts),
    changes: new ChangeLog(connection, rowIds),
    tags: new TagTable(connection),
    namespaces,
    leases: new LeaseTable(connection, identity, rowIds),
    throttles: new ThrottleTable(connection, rowIds),
    runs: new RunTable(connection),
    sources: new SourceTable(connection),
    counts,
    listing: new ListingTable(connection),
    historyId: identity.historyId,
    epoch: identity.epoch,
    head: identity.head,
    epochStarts: identity.epochStarts,
    processId: identity.processId,
    inode: inodeOf(path) ?? 0n,
    quarantined,
    pageSize: Number(connection.prepare(pragmaSql.pageSize).pluck().get()),
    pageCount: connection.prepare(pragmaSql.pageCount).pluck(),
    freePages: connection.prepare(pragmaSql.freePages).pluck(),
    begin: () => void begin.run(),
    commit: () => void commit.run(),
    rollback: () => void rollback.run(),
    readMeta: (name) => {
      const note = readMeta.get(name);
      return note === undefined ? undefined : String(note);
    },
    writeMeta: (name, text) => void writeMeta.run(name, text),
    removeMeta: (name) => void removeMeta.run(name),
    durably: (body) => {
      connection.exec(pragmaSql.syncFull);
      try {
        body();
      } finally {
        if (!options.fullSync) connection.exec(pragmaSql.syncNormal);
      }
    },
    isShared: identity.isShared,
    shareCounts: () => {
      begin.run();
      try {
        if (readMeta.get(COUNTS_SHARED_META_KEY) === undefined) {
          announceSharing(connection, countTable, countRows(connection));
        }
        commit.run();
        counts.share();
      } finally {
        if (connection.inTransaction) rollback.run();
      }
    },
    keepCounts: () => {
      begin.run();
      try {
        if (identity.isShared()) return;
        removeMeta.run(COUNTS_SHARED_META_KEY);
        commit.run();
        counts.keep();
      } finally {
        if (connection.inTransaction) rollback.run();
      }
    },
    dataVersion: () => Number(dataVersion.get()),
    noteOthersChanges: () => {
      rowIds.restart(Number(lastId.get() ?? 0));
      namespaces.forget();
    },
    leave: () => {
      if (isReadOnly) return;
      connection.exec(pragmaSql.busyTimeout(OPEN_TIMEOUT_MS));
      connection.exec(transactionSql.begin);
      identity.leave();
      if (options.steadyClock !== undefined) noteClock(writeMeta, options.steadyClock);
      counts.save();
      connection.exec(transactionSql.commit);
    },
    close: () => {
      connection.close();
      identity.unlock();
    },
  };
}
