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
  /** The database file; its directory is created. */
  readonly path: string;
  /** The file is another node's: it is read where it stands, and never changed. */
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
  /** Where a damaged file that stood in the way was put. */
  readonly quarantined: string | undefined;
  readonly pageSize: number;
  readonly pageCount: Statement;
  readonly freePages: Statement;
  begin(): void;
  commit(): void;
  rollback(): void;
  /** A note that was written; undefined when there is none. */
  readMeta(name: string): string | undefined;
  /** Inside a transaction. */
  writeMeta(name: string, text: string): void;
  /** Inside a transaction. */
  removeMeta(name: string): void;
  /** What `body` commits is on the disk when it returns, whatever the durability. */
  durably(body: () => void): void;
  /** Whether another process has the file open. */
  isShared(): boolean;
  /** {@link counts} are shared from here on; a change is added to the log, so that the others notice. As a transaction of its own. */
  shareCounts(): void;
  /** From here on they are not: this process is alone. As a transaction of its own. */
  keepCounts(): void;
  /** A number that changes when another connection commits. */
  dataVersion(): number;
  /** Reads again what is kept in memory of the file. Inside a transaction. */
  noteOthersChanges(): void;
  /** Notes a clean stop. */
  leave(): void;
}

/**
 * Opens the file and notes durably that it is in use.
 *
 * @throws {HC_STORAGE_OPEN | HC_STORAGE_FOREIGN | HC_SCHEMA_NEWER | HC_NATIVE_MODULE}
 * @throws {HC_STORAGE_FULL | HC_STORAGE_BUSY | HC_STORAGE_FAILED} when it cannot be noted
 * @internal
 */
export function openFile(options: OpenFileOptions, epochFloor = 0): OpenFile {
  if (options.isReadOnly === true) return openReadOnly(options);
  try {
    return open(options, epochFloor, undefined);
  } catch (error) {
    if (!isCorruption(error)) throw sqliteCode(error) === '' ? error : toStorageError(error);
    // Damage behind a sound header shows only when the tables are read.
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
  try {
    const salvaged = quarantined === undefined ? 0 : salvageEpoch(quarantined);
    return assemble(connection, options, Math.max(epochFloor, salvaged), quarantined);
  } catch (error) {
    connection.close();
    throw error;
  }
}

function openReadOnly(options: OpenFileOptions): OpenFile {
  const connection = openForReading(options.path);
  try {
    return assemble(connection, options, 0, undefined);
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** @internal */
export function inodeOf(path: string): bigint | undefined {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false })?.ino;
  } catch {
    // A directory above it is none any more, or not ours to search.
    return undefined;
  }
}

function assemble(
  connection: Connection,
  options: OpenFileOptions,
  epochFloor: number,
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
  const identity = isReadOnly ? look(connection) : enter(connection, options, epochFloor);
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
  };
}
