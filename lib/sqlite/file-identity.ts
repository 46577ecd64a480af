import { readFileSync } from 'node:fs';
import type { Clock } from '../common/clock.js';
import type { Random } from '../common/random.js';
import type { ClockReading, SteadyClock } from '../common/steady-clock.js';
import { ChangeKind } from './change-log.js';
import { CountTable, type NamespaceCount } from './count-table.js';
import { nextEpoch } from './epoch.js';
import type { LeaseIdentity } from './lease-table.js';
import type { Connection, Statement } from './native.js';
import { joinProcesses, ProcessLock } from './process-table.js';
import { changeSql } from './sql/changes.js';
import { entrySql } from './sql/entries.js';
import { metaSql } from './sql/meta.js';
import { pragmaSql, transactionSql } from './sql/pragmas.js';

/** `isClean`: the start followed a stop that lost nothing. @internal */
export type EpochStart = readonly [epoch: number, revision: number, isClean?: boolean];

/** Notes by which a file identifies itself. @internal */
export const IdentityMetaKey = {
  HistoryId: 'history_id',
  Epoch: 'epoch',
  /** When the epoch began, in Unix ms. */
  EpochAt: 'epoch_at',
  EpochStarts: 'epoch_starts',
  /** The file is a copy from another moment; the node that owns the original may have continued since. */
  Restored: 'restored',
  Clock: 'clock',
} as const;

/**
 * This note means that the counts in the file are right after each transaction, and not only after a clean stop.
 *
 * @internal
 */
export const COUNTS_SHARED_META_KEY = 'counts_shared';

/** Number of epochs whose start is remembered. */
const KNOWN_EPOCHS = 100;

/** What a process provides when it opens a file. @internal */
export interface EntryOptions {
  /** Path of the database file. */
  readonly path: string;
  /** Whether every commit reaches the disk before it returns. */
  readonly fullSync: boolean;
  readonly clock: Clock;
  /** A clock that resumes from the reading of the other processes on the file, or of the last process that had it open. */
  readonly steadyClock?: SteadyClock;
  readonly random: Random;
  /** Whether no other process writes to the file, and its log comes from another node. */
  readonly hasOneWriter?: boolean;
}

/** The identity of the file, and of this process on it. @internal */
export interface Identity extends LeaseIdentity {
  readonly historyId: string;
  readonly epochStarts: readonly EpochStart[];
  readonly isShared: () => boolean;
  /** The head of the log once this process has entered; later commits of others are not known yet. */
  readonly head: number;
  /** Rows by namespace. */
  readonly counts: readonly NamespaceCount[];
  readonly sharesCounts: boolean;
  readonly leave: () => void;
  /** Called once the file is closed. */
  readonly unlock: () => void;
}

/**
 * Reads the identity of the file, and begins a new epoch unless this process joins others. Without others, the file
 * could be the one that was closed, or a copy from elsewhere. A restored backup is a new history. The new identity must
 * outlive any damage to the write-ahead log, so it is checkpointed into the database file immediately.
 */
export function enter(connection: Connection, options: EntryOptions, epochFloor: number): Identity {
  const processId = options.random.hex(8);
  const lock = new ProcessLock(options.path, processId);
  lock.acquire();
  try {
    return { ...record(connection, processId, options, epochFloor), unlock: () => lock.release() };
  } catch (error) {
    lock.release();
    throw error;
  }
}

function record(
  connection: Connection,
  processId: string,
  { path, clock, steadyClock, random, fullSync, hasOneWriter = false }: EntryOptions,
  epochFloor: number,
): Omit<Identity, 'unlock'> {
  const read = connection.prepare(metaSql.read).pluck();
  const write = connection.prepare(metaSql.write);
  connection.exec(pragmaSql.syncFull);
  connection.exec(transactionSql.begin);
  const isRestored = read.get(IdentityMetaKey.Restored) !== undefined;
  const knownHistory = isRestored ? undefined : read.get(IdentityMetaKey.HistoryId);
  const historyId = String(knownHistory ?? random.hex(16));
  const bootId = readBootId();
  const isSameBoot = bootId !== '' && read.get('boot_id') === bootId;
  if (steadyClock !== undefined) {
    const note = read.get(IdentityMetaKey.Clock);
    if (isSameBoot && typeof note === 'string')
      steadyClock.resume(JSON.parse(note) as ClockReading);
    noteClock(write, steadyClock);
  }
  const { wasClean, isJoining, leave, isShared } = joinProcesses(connection, {
    path,
    processId,
    isSameBoot,
    now: clock.monotonic(),
  });
  const last = Number(read.get(IdentityMetaKey.Epoch) ?? 0);
  const at = read.get(IdentityMetaKey.EpochAt);
  const now = clock.now();
  // A process that joins others continues their epoch: they have seen everything, so nothing was lost.
  const goesOn = isJoining && !isRestored && last > epochFloor;
  const known = {
    epoch: Math.max(last, epochFloor),
    at: at === undefined ? undefined : Number(at),
  };
  const isKnown = wasClean && !isRestored && (last > epochFloor || epochFloor === 0);
  const epoch = goesOn ? last : nextEpoch(known, now, isKnown);
  if (isRestored) connection.prepare(metaSql.remove).run(IdentityMetaKey.Restored);
  // A restored copy never counts as cleanly stopped.
  const isCounted = (wasClean && !isRestored) || read.get(COUNTS_SHARED_META_KEY) !== undefined;
  const countTable = new CountTable(connection);
  const counts = isCounted ? countTable.all() : countRows(connection);
  const sharesCounts = isJoining && !hasOneWriter;
  if (sharesCounts && !isCounted) {
    announceSharing(connection, countTable, counts);
  } else if (!sharesCounts) {
    if (!isCounted) countTable.replace(counts);
    connection.prepare(metaSql.remove).run(COUNTS_SHARED_META_KEY);
  }
  const epochStarts = isRestored ? [] : parseStarts(read.get(IdentityMetaKey.EpochStarts));
  const head = headOf(connection);
  if (epochStarts.at(-1)?.[0] !== epoch) {
    epochStarts.push([epoch, head, isKnown]);
    write.run(IdentityMetaKey.EpochStarts, JSON.stringify(epochStarts.slice(-KNOWN_EPOCHS)));
  }
  write.run(IdentityMetaKey.HistoryId, historyId);
  write.run(IdentityMetaKey.Epoch, epoch);
  if (!goesOn) write.run(IdentityMetaKey.EpochAt, now);
  write.run('boot_id', bootId);
  connection.exec(transactionSql.commit);
  if (!goesOn) connection.exec(pragmaSql.checkpoint);
  if (!fullSync) connection.exec(pragmaSql.syncNormal);
  return {
    historyId,
    epoch,
    epochStarts,
    processId,
    head,
    counts,
    sharesCounts,
    leave,
    isShared,
  };
}

export function noteClock(write: Statement, clock: SteadyClock): void {
  write.run(IdentityMetaKey.Clock, JSON.stringify(clock.note()));
}

/** The identity of the file, for a process that only reads it: it writes no note, and counts no rows. */
export function look(connection: Connection): Identity {
  const read = connection.prepare(metaSql.read).pluck();
  return {
    historyId: String(read.get(IdentityMetaKey.HistoryId)),
    epoch: Number(read.get(IdentityMetaKey.Epoch)),
    epochStarts: [],
    processId: '',
    head: headOf(connection),
    counts: [],
    sharesCounts: true,
    leave: () => undefined,
    unlock: () => undefined,
    isShared: () => true,
  };
}

/** Changes when the machine restarts, and its monotonic clock with it; '' where this is unknown. */
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

/**
 * Logs a change that no process on the file knows. Each of them notices it, and learns from the note that others count
 * too.
 */
export function announceSharing(
  connection: Connection,
  table: CountTable,
  counts: readonly NamespaceCount[],
): void {
  table.replace(counts);
  connection.prepare(metaSql.write).run(COUNTS_SHARED_META_KEY, '1');
  connection.prepare(changeSql.append).run(headOf(connection) + 1, 0, ChangeKind.Clear, '');
}

function headOf(connection: Connection): number {
  return Number(connection.prepare(changeSql.head).pluck().get() ?? 0);
}

export function countRows(connection: Connection): NamespaceCount[] {
  return connection.prepare(entrySql.countByNamespace).raw().all() as NamespaceCount[];
}
