import { readFileSync, statSync } from 'node:fs';
import type { Clock } from '../common/clock.js';
import type { Random } from '../common/random.js';
import type { ClockNote, SteadyClock } from '../common/steady-clock.js';
import { ChangeKind, ChangeLog } from './change-log.js';
import { CountTable, type NamespaceCount } from './count-table.js';
import { nextEpoch } from './epoch.js';
import { EntryCounts } from './entry-counts.js';
import { EntryTable } from './entry-table.js';
import { LeaseTable, type LeaseIdentity } from './lease-table.js';
import { NamespaceTable } from './namespace-table.js';
import type { Connection, Statement } from './native.js';
import { OPEN_TIMEOUT_MS, openConnection, openForReading, quarantine } from './open-connection.js';
import { joinProcesses } from './process-table.js';
import { RowIds } from './row-ids.js';
import { SourceTable } from './source-table.js';
import { salvageEpoch } from './salvage-epoch.js';
import { changeSql } from './sql/changes.js';
import { entrySql } from './sql/entries.js';
import { metaSql } from './sql/meta.js';
import { pragmaSql, transactionSql } from './sql/pragmas.js';
import { isCorruption, sqliteCode, toStorageError } from './sqlite-error.js';
import { TagTable } from './tag-table.js';

/** @internal */
export interface OpenFileOptions {
  /** The database file; its directory is created. */
  readonly path: string;
  /** Every commit reaches the disk before it returns. */
  readonly fullSync: boolean;
  readonly clock: Clock;
  /** Is put where that of the other processes on the file is, or was until the last one ended. */
  readonly steadyClock?: SteadyClock;
  readonly random: Random;
  /** The file is another node's: it is read where it stands, and never changed. */
  readonly isReadOnly?: boolean;
  /** No other process writes to it, and what stands in its log comes from elsewhere. */
  readonly hasOneWriter?: boolean;
}

/** `isClean`: after a stop that lost nothing. @internal */
export type EpochStart = readonly [epoch: number, revision: number, isClean?: boolean];

/** Notes by which a file says who it is. @internal */
export const IdentityNote = {
  HistoryId: 'history_id',
  Epoch: 'epoch',
  /** When it began, in Unix ms. */
  EpochAt: 'epoch_at',
  EpochStarts: 'epoch_starts',
  /** The file is a copy of another moment: whoever it was copied from may have gone on since. */
  Restored: 'restored',
  Clock: 'clock',
} as const;

/** The note says that the counts in the file are right after each transaction, and not just after a clean stop. */
const COUNTS_SHARED_NOTE = 'counts_shared';

/** Epochs whose start is remembered. */
const KNOWN_EPOCHS = 100;

/** Everything that belongs to one open file. @internal */
export interface OpenFile {
  readonly connection: Connection;
  readonly entries: EntryTable;
  readonly changes: ChangeLog;
  readonly tags: TagTable;
  readonly namespaces: NamespaceTable;
  readonly leases: LeaseTable;
  readonly sources: SourceTable;
  readonly counts: EntryCounts;
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
  readNote(name: string): string | undefined;
  /** Inside a transaction. */
  writeNote(name: string, text: string): void;
  /** Inside a transaction. */
  removeNote(name: string): void;
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
    sources: new SourceTable(connection),
    counts,
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
    readNote: (name) => {
      const note = readMeta.get(name);
      return note === undefined ? undefined : String(note);
    },
    writeNote: (name, text) => void writeMeta.run(name, text),
    removeNote: (name) => void removeMeta.run(name),
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
        if (readMeta.get(COUNTS_SHARED_NOTE) === undefined) {
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
        removeMeta.run(COUNTS_SHARED_NOTE);
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

interface Identity extends LeaseIdentity {
  readonly historyId: string;
  readonly epochStarts: readonly EpochStart[];
  readonly isShared: () => boolean;
  /** Of the log, at the end of the entry: what others commit after that is not known yet. */
  readonly head: number;
  /** Rows by namespace. */
  readonly counts: readonly NamespaceCount[];
  readonly sharesCounts: boolean;
  readonly leave: () => void;
}

/**
 * Reads who the file is, and begins a new epoch unless it joins others: nobody knows whether the file is the one that was
 * closed, or a copy that has stood elsewhere. A backup that is restored is a new history. That must
 * outlive whatever happens to the write-ahead log, so it is carried into the database file at once.
 */
function enter(
  connection: Connection,
  { clock, steadyClock, random, fullSync, hasOneWriter = false }: OpenFileOptions,
  epochFloor: number,
): Identity {
  const read = connection.prepare(metaSql.read).pluck();
  const write = connection.prepare(metaSql.write);
  const processId = random.hex(8);
  connection.exec(pragmaSql.syncFull);
  connection.exec(transactionSql.begin);
  const isRestored = read.get(IdentityNote.Restored) !== undefined;
  const knownHistory = isRestored ? undefined : read.get(IdentityNote.HistoryId);
  const historyId = String(knownHistory ?? random.hex(16));
  const bootId = readBootId();
  const isSameBoot = bootId !== '' && read.get('boot_id') === bootId;
  if (steadyClock !== undefined) {
    const note = read.get(IdentityNote.Clock);
    if (isSameBoot && typeof note === 'string') steadyClock.resume(JSON.parse(note) as ClockNote);
    noteClock(write, steadyClock);
  }
  const { wasClean, isJoining, lifetime, leave, isShared } = joinProcesses(connection, {
    processId,
    bootId,
    isSameBoot,
    now: clock.monotonic(),
  });
  const last = Number(read.get(IdentityNote.Epoch) ?? 0);
  const at = read.get(IdentityNote.EpochAt);
  const now = clock.now();
  // Who joins others goes on with them: nothing can have been lost that they have not seen.
  const goesOn = isJoining && !isRestored && last > epochFloor;
  const known = {
    epoch: Math.max(last, epochFloor),
    at: at === undefined ? undefined : Number(at),
  };
  const isKnown = wasClean && !isRestored && (last > epochFloor || epochFloor === 0);
  const epoch = goesOn ? last : nextEpoch(known, now, isKnown);
  if (isRestored) connection.prepare(metaSql.remove).run(IdentityNote.Restored);
  // A copy was left by no process, and is none of a clean stop.
  const isCounted = (wasClean && !isRestored) || read.get(COUNTS_SHARED_NOTE) !== undefined;
  const countTable = new CountTable(connection);
  const counts = isCounted ? countTable.all() : countRows(connection);
  const sharesCounts = isJoining && !hasOneWriter;
  if (sharesCounts && !isCounted) {
    announceSharing(connection, countTable, counts);
  } else if (!sharesCounts) {
    if (!isCounted) countTable.replace(counts);
    connection.prepare(metaSql.remove).run(COUNTS_SHARED_NOTE);
  }
  const epochStarts = isRestored ? [] : parseStarts(read.get(IdentityNote.EpochStarts));
  const head = headOf(connection);
  if (epochStarts.at(-1)?.[0] !== epoch) {
    epochStarts.push([epoch, head, isKnown]);
    write.run(IdentityNote.EpochStarts, JSON.stringify(epochStarts.slice(-KNOWN_EPOCHS)));
  }
  write.run(IdentityNote.HistoryId, historyId);
  write.run(IdentityNote.Epoch, epoch);
  if (!goesOn) write.run(IdentityNote.EpochAt, now);
  write.run('boot_id', bootId);
  connection.exec(transactionSql.commit);
  if (!goesOn) connection.exec(pragmaSql.checkpoint);
  if (!fullSync) connection.exec(pragmaSql.syncNormal);
  return {
    historyId,
    epoch,
    epochStarts,
    processId,
    lifetime,
    head,
    counts,
    sharesCounts,
    leave,
    isShared,
  };
}

function noteClock(write: Statement, clock: SteadyClock): void {
  write.run(IdentityNote.Clock, JSON.stringify(clock.note()));
}

/** Who the file is, for one who only reads it: nothing is noted, and the rows are not counted. */
function look(connection: Connection): Identity {
  const read = connection.prepare(metaSql.read).pluck();
  return {
    historyId: String(read.get(IdentityNote.HistoryId)),
    epoch: Number(read.get(IdentityNote.Epoch)),
    epochStarts: [],
    processId: '',
    lifetime: '',
    head: headOf(connection),
    counts: [],
    sharesCounts: true,
    leave: () => undefined,
    isShared: () => true,
  };
}

/** Changes when the machine starts again, and with it the monotonic clock; '' where it cannot be told. */
function readBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}

function parseStarts(stored: unknown): EpochStart[] {
  return typeof stored === 'string' ? (JSON.parse(stored) as EpochStart[]) : [];
}

/** Every process on the file meets a change that it does not know, and learns from the note that others count too. */
function announceSharing(
  connection: Connection,
  table: CountTable,
  counts: readonly NamespaceCount[],
): void {
  table.replace(counts);
  connection.prepare(metaSql.write).run(COUNTS_SHARED_NOTE, '1');
  connection.prepare(changeSql.append).run(headOf(connection) + 1, 0, ChangeKind.Clear, '');
}

function headOf(connection: Connection): number {
  return Number(connection.prepare(changeSql.head).pluck().get() ?? 0);
}

function countRows(connection: Connection): NamespaceCount[] {
  return connection.prepare(entrySql.countByNamespace).raw().all() as NamespaceCount[];
}
