import { hostname } from 'node:os';
import { realpathSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { StoredValue } from '../value/codec.js';
import { ClosedError, FileInUseError, type HyperCacheError } from '../common/errors.js';
import { Signal } from '../common/signal.js';
import type { MemoryListener } from '../engine/memory-coherence.js';
import { backUp, type BackupSummary } from './backup.js';
import { ChangeKind, type ChangeLog } from './change-log.js';
import { Checkpointer, type StartThread } from './checkpointer.js';
import { epochNow, HISTORY_LEAP, type LastEpoch } from './epoch.js';
import type { EntryCounts } from './entry-counts.js';
import type { EntryTable } from './entry-table.js';
import type { LeaseTable } from './lease-table.js';
import type { ListingTable } from './listing-table.js';
import type { NamespaceTable } from './namespace-table.js';
import { whileUnchanged, whileUnused } from './file-lock.js';
import { assertReadable, quarantine } from './open-connection.js';
import { IdentityMetaKey, type EpochStart } from './file-identity.js';
import { inodeOf, openFile, type OpenFile, type OpenFileOptions } from './open-file.js';
import { pragmaSql } from './sql/pragmas.js';
import { DROP_LOG_TRIGGERS, LOG_TRIGGERS } from './sql/schema.js';
import { isTakenRowId, toStorageError } from './sqlite-error.js';
import type { SourceTable } from './source-table.js';
import type { TagTable } from './tag-table.js';
import { tellChanges } from './tell-changes.js';
import type { RunTable } from './run-table.js';
import type { ThrottleTable } from './throttle-table.js';
import { TurnReads } from './turn-reads.js';

/** Of the database file in `sqlitePath`. @internal */
export const FILE_NAME = 'hypercache.sqlite';

/** @internal */
export interface StorageOptions extends OpenFileOptions {
  /** The process that writes to it puts another file in its place at times, while others have it open. */
  readonly isExchanged?: boolean;
  /** Told what other processes on the file have changed. */
  readonly memory?: MemoryListener;
  /** Checkpoints run in a thread of their own; without it, within the commits. */
  readonly checkpointer?: {
    /** It cannot: they run within the commits after all. */
    readonly onInline: (cause: unknown) => void;
    readonly startThread?: StartThread;
  };
}

/** Why a file was given up. @internal */
export type LossReason = 'corrupt' | 'unlinked';

/** How long one waits for others who just open the file, or exchange it, in ms. */
const EXCHANGE_TIMEOUT_MS = 5000;

/** How long a stop waits for another process that has the file locked, in ms. */
const STOP_TIMEOUT_MS = 1000;

/** Of what other processes have changed so much is read; of more, nothing in memory is believed any more. */
const MOST_READ = 10_000;

/** Files that this process has open: two writers in one process would not see each other's L1. */
const openPaths = new Set<string>();

/**
 * One SQLite file: its tables, transactions, revisions and identity. The constructor does no I/O.
 *
 * @internal
 */
export class Storage {
  #file: OpenFile | undefined;
  #checkpointer: Checkpointer | undefined;
  #turnReads: TurnReads | undefined;
  /** Why there is no file, when a new one could not be begun. */
  #lost: HyperCacheError | undefined;
  /** Of the file that is to be put aside, until a new one has taken its place. */
  #damagedInode: ReturnType<typeof inodeOf>;
  /** The epoch of a lost file: fencing tokens of the next one must be larger than its. */
  #epochFloor = 0;
  #revision = 0;
  #staged = 0;
  /** Nobody has written who is not known to be there. */
  #knowsAll = true;
  #realPath = '';
  #isReadOnly = false;
  /** The last committed revision has grown. */
  readonly advanced = new Signal();
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

  /**
   * For reads of a file that no other process writes to: those of one turn of the event loop share a transaction, which
   * any other use of the storage ends.
   */
  get turn(): Pick<OpenFile, 'entries' | 'namespaces'> {
    const file = this.#present;
    this.#turnReads?.join();
    return file;
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

  get leases(): LeaseTable {
    return this.#open.leases;
  }

  get throttles(): ThrottleTable {
    return this.#open.throttles;
  }

  get runs(): RunTable {
    return this.#open.runs;
  }

  get sources(): SourceTable {
    return this.#open.sources;
  }

  get counts(): EntryCounts {
    return this.#open.counts;
  }

  get listing(): ListingTable {
    return this.#open.listing;
  }

  /** Random, made with the file. */
  get historyId(): string {
    return this.#open.historyId;
  }

  /** Grows at each start, but of a process that joins others. */
  get epoch(): number {
    return this.#open.epoch;
  }

  /** The head of the log at the start of each of the last epochs. */
  get epochStarts(): readonly EpochStart[] {
    return this.#open.epochStarts;
  }

  /** Random, one for each opening of the file. */
  get processId(): string {
    return this.#open.processId;
  }

  /** As {@link processId}, for people: where the process runs, too. */
  get processName(): string {
    return `${hostname()} (pid ${process.pid}, ${this.processId})`;
  }

  /** The revision of the last committed change that this process knows of. */
  get revision(): number {
    return this.#revision;
  }

  /**
   * `isReadOnly`: it is another process that writes to it. `timeoutMs`: how long a writer waits for others who open it.
   *
   * @throws SQLITE_BUSY while the file is exchanged, or opened by others for too long
   * @throws {HC_FILE_IN_USE | HC_STORAGE_OPEN | HC_STORAGE_FOREIGN | HC_SCHEMA_NEWER | HC_NATIVE_MODULE}
   */
  open({
    isReadOnly = this.options.isReadOnly === true,
    timeoutMs = EXCHANGE_TIMEOUT_MS,
  } = {}): void {
    if (this.#file !== undefined) return;
    const { path, isExchanged = false } = this.options;
    const known = realPathOf(path);
    if (!isReadOnly && known !== undefined && openPaths.has(known)) throw new FileInUseError(path);
    this.#isReadOnly = isReadOnly;
    const open = (): OpenFile => this.#openFile();
    if (isReadOnly) this.#file = whileUnchanged(path, open);
    else this.#file = isExchanged ? whileUnused(path, open, timeoutMs) : open();
    this.#realPath = realPathOf(path) ?? path;
    if (!isReadOnly) openPaths.add(this.#realPath);
  }

  /** As {@link revision}, with what the running transaction has changed so far. */
  get head(): number {
    return this.#staged;
  }

  /** A revision for the change that the running transaction makes next. */
  nextRevision(): number {
    return ++this.#staged;
  }

  /** The running transaction brings what another node has committed up to this revision. */
  advanceTo(revision: number): void {
    this.#staged = revision;
  }

  /** A durable note; undefined when there is none. */
  readMeta(name: string): string | undefined {
    return this.#open.readMeta(name);
  }

  /** Inside a transaction. */
  writeMeta(name: string, text: string): void {
    this.#open.writeMeta(name, text);
  }

  /** Inside a transaction. */
  removeMeta(name: string): void {
    this.#open.removeMeta(name);
  }

  /**
   * From the next opening on the file is another history, whose fencing tokens are larger than those of an epoch that
   * may have gone on elsewhere. Inside a transaction.
   *
   * @returns its epoch
   */
  beginHistory(historyId: string, last: LastEpoch): number {
    const now = this.options.clock.now();
    const epoch = Math.max(this.epoch, epochNow(last, now)) + HISTORY_LEAP;
    this.writeMeta(IdentityMetaKey.HistoryId, historyId);
    this.writeMeta(IdentityMetaKey.Epoch, String(epoch));
    this.writeMeta(IdentityMetaKey.EpochAt, String(now));
    this.writeMeta(IdentityMetaKey.EpochStarts, JSON.stringify([[epoch, this.revision]]));
    return epoch;
  }

  /** Runs `body` in one transaction that has reached the disk when this returns. */
  durableTransaction(body: () => void): void {
    this.#open.durably(() => this.transaction(body));
  }

  /**
   * Runs `body` in one transaction; if it throws, nothing happened.
   *
   * @throws what `body` throws, or SQLite's error
   */
  transaction<T>(body: () => T): T {
    const file = this.#open;
    try {
      this.#begin(file);
      const result = body();
      file.counts.write();
      file.commit();
      this.#settle(file);
      return result;
    } catch (error) {
      this.#abandon(file);
      throw error;
    }
  }

  /**
   * One plain set as one statement: SQLite's own transaction is enough, because the log is appended by trigger.
   *
   * @returns the revision; undefined, and nothing is written, when other processes write too
   */
  setAlone(
    namespaceId: number,
    key: string,
    value: StoredValue,
    expiresAt: number,
    freshUntil?: number,
  ): number | undefined {
    const file = this.#open;
    if (file.counts.isShared || !this.#knowsAll) return undefined;
    const revision = this.nextRevision();
    try {
      const entry = { namespaceId, key, value, expiresAt, freshUntil, revision, tagSet: 0 };
      if (file.entries.putAlone(entry)) {
        this.#settle(file);
        return revision;
      }
    } catch (error) {
      this.#abandon(file);
      if (isTakenRowId(error)) return undefined;
      throw error;
    }
    this.#abandon(file);
    return undefined;
  }

  /** Whether another process has the file open. Notes that this one has, should that have been forgotten. */
  isShared(): boolean {
    return this.#open.isShared();
  }

  /** Carries the counts into the file, for those who only read it. */
  noteCounts(): void {
    const { counts } = this.#open;
    this.transaction(() => counts.save());
  }

  /** No other process has the file open any more. */
  noteAlone(): void {
    const file = this.#open;
    if (file.counts.isShared) file.keepCounts();
  }

  /** A number that changes when another process commits. */
  dataVersion(): number {
    return this.#open.dataVersion();
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

  /** Who does the checkpoints. */
  get checkpoints(): 'worker' | 'inline' {
    return this.#checkpointer?.isWorking === true ? 'worker' : 'inline';
  }

  /** Whether writes should wait a moment, for the write-ahead log to begin anew. To be asked outside of a transaction. */
  mustPause(): boolean {
    return this.#checkpointer?.mustPause() ?? false;
  }

  /** Gives up to so many pages of unused space at the end of the file back to the file system. */
  release(pages: number): void {
    this.#open.connection.exec(pragmaSql.releasePages(pages));
  }

  /** Whether the path no longer leads to the open file: writes would "succeed" into nothing. */
  isUnlinked(): boolean {
    if (this.#lost !== undefined) return true;
    return inodeOf(this.path) !== this.#open.inode;
  }

  /** Why a new file is to be begun, of one that {@link isUnlinked}. */
  get lossReason(): LossReason {
    return this.#damagedInode === undefined ? 'unlinked' : 'corrupt';
  }

  /**
   * Begins a new file, with a new history, in place of one that cannot be used any more. When that fails, every
   * use throws the same, until it is tried again.
   *
   * @returns where the old one was put; undefined when it was gone
   * @throws {HC_STORAGE_OPEN | HC_STORAGE_FOREIGN | HC_SCHEMA_NEWER}
   * @throws {HC_STORAGE_FAILED} when the disk cannot be read; then the file stays
   */
  replace(reason: LossReason): string | undefined {
    if (reason === 'corrupt') assertReadable(this.path);
    const isRetry = this.#lost !== undefined;
    const lost = this.#revision;
    this.#epochFloor = Math.max(this.#epochFloor, this.#file?.epoch ?? 0);
    if (reason === 'corrupt') this.#damagedInode ??= this.#file?.inode ?? inodeOf(this.path);
    const damaged = this.#damagedInode;
    this.#closeFile();
    let moved: string | undefined;
    try {
      const renew = (): OpenFile => {
        // Another process may have put a new one in its place already.
        if (damaged !== undefined && inodeOf(this.path) === damaged) {
          moved = quarantine(this.path, this.options.clock.now());
        }
        return this.#openFile();
      };
      this.#file = whileUnused(this.path, renew, isRetry ? 0 : EXCHANGE_TIMEOUT_MS);
    } catch (error) {
      this.#lost = toStorageError(error);
      throw error;
    }
    this.#lost = this.#damagedInode = undefined;
    if (lost > this.#revision) this.#continueFrom(lost);
    return moved ?? this.quarantined;
  }

  /** Until {@link endCopy} the file is filled with what was logged elsewhere, and nobody relies on it. */
  beginCopy(): void {
    this.#open.connection.exec(pragmaSql.syncOff);
    this.#open.connection.exec(DROP_LOG_TRIGGERS);
  }

  /** The copy is complete as of a revision, which becomes the head of its log. Inside a transaction. */
  endCopy(revision: number): void {
    this.#open.connection.exec(LOG_TRIGGERS);
    this.changes.append(revision, 0, ChangeKind.Clear, '');
    this.advanceTo(revision);
  }

  /**
   * Puts another file, which nobody has open, in place of this one.
   *
   * @throws SQLITE_BUSY while others open this one; then nothing has happened
   * @throws {HC_STORAGE_OPEN} and then every use throws the same, until it is tried again
   */
  exchangeFor(path: string): void {
    const exchange = (): void => {
      this.#closeFile();
      for (const suffix of ['-wal', '-shm']) rmSync(this.path + suffix, { force: true });
      renameSync(path, this.path);
      this.#file = this.#openFile();
    };
    try {
      whileUnused(this.path, exchange, 0);
    } catch (error) {
      if (this.#file !== undefined) throw error;
      this.#lost = toStorageError(error);
      throw this.#lost;
    }
    this.#lost = undefined;
  }

  /**
   * Copies the file to a path that is free, as of one point in time, beside what goes on.
   *
   * @throws {HC_CLOSED | HC_BACKUP_FAILED | HC_STORAGE_FULL | HC_STORAGE_BUSY}
   */
  async backUp(to: string): Promise<BackupSummary> {
    void this.#open;
    return backUp(this.path, to);
  }

  /** From here on a locked file is waited for, because nothing comes after. */
  beginStop(): void {
    this.#file?.connection.exec(pragmaSql.busyTimeout(STOP_TIMEOUT_MS));
  }

  /** Marks the stop as clean and closes. Idempotent. */
  close(): void {
    if (!this.#isReadOnly) openPaths.delete(this.#realPath);
    this.#realPath = '';
    this.#lost = undefined;
    const file = this.#file;
    if (file === undefined) return;
    this.#turnReads?.end();
    try {
      file.leave();
    } catch {
      // Then it was no clean stop: the next start counts the rows and begins a new epoch.
    } finally {
      this.#closeFile();
    }
  }

  /** The checkpointer goes first: who closes last removes the write-ahead log. */
  #closeFile(): void {
    const file = this.#file;
    this.#turnReads?.end();
    this.#file = this.#turnReads = undefined;
    this.#checkpointer?.stop();
    this.#checkpointer = undefined;
    file?.connection.close();
  }

  get #open(): OpenFile {
    const file = this.#present;
    this.#turnReads?.end();
    return file;
  }

  get #present(): OpenFile {
    if (this.#file === undefined) throw this.#lost ?? new ClosedError();
    return this.#file;
  }

  /** Takes the lock of the writers, knowing of everything that was written, and by whom. */
  #begin(file: OpenFile): void {
    for (;;) {
      this.#noteOthers(file);
      file.begin();
      this.#catchUp(file);
      if (this.#knowsAll) return;
      file.rollback();
    }
  }

  /** Somebody has written who was not there before: from here on the counts are common. */
  #noteOthers(file: OpenFile): void {
    if (this.#knowsAll) return;
    if (!file.counts.isShared && this.options.hasOneWriter !== true && file.isShared()) {
      file.shareCounts();
    }
    this.#knowsAll = true;
  }

  #settle(file: OpenFile): void {
    file.counts.commit();
    this.#checkpointer?.committed();
    if (this.#revision === this.#staged) return;
    this.#revision = this.#staged;
    this.advanced.emit();
  }

  #abandon(file: OpenFile): void {
    this.#staged = this.#revision;
    file.counts.rollback();
    // SQLite has already rolled back by itself when the disk is full.
    if (file.connection.inTransaction) file.rollback();
    file.namespaces.forget();
  }

  /**
   * Takes note of what other processes have committed, outside of a transaction; a transaction of this process
   * begins with it anyway.
   */
  catchUp(): void {
    this.#catchUp(this.#open);
  }

  #catchUp(file: OpenFile): void {
    const since = this.#revision;
    const head = file.changes.head();
    if (head === since) return;
    // Before anything is noted: what cannot be read now is told later.
    const rows = head - since <= MOST_READ ? file.changes.since(since) : [];
    // After it: rows that another process has trimmed meanwhile are missing among these.
    const isLogged = rows.length > 0 && file.changes.oldest() <= since + 1;
    file.noteOthersChanges();
    this.#knowsAll = file.counts.isShared;
    this.#revision = this.#staged = head;
    this.advanced.emit();
    const { memory } = this.options;
    if (memory !== undefined) tellChanges(file.namespaces, isLogged ? rows : undefined, memory);
  }

  /** Who holds a revision of the lost file (a factory, a compare-and-set) must not meet it again in the new one. */
  #continueFrom(revision: number): void {
    this.transaction(() => {
      this.#staged = revision;
      this.changes.append(this.nextRevision(), 0, ChangeKind.Clear, '');
    });
  }

  #openFile(): OpenFile {
    const options = { ...this.options, isReadOnly: this.#isReadOnly };
    const file = openFile(options, this.#epochFloor);
    this.quarantined = file.quarantined;
    this.#knowsAll = true;
    this.#revision = this.#staged = file.head;
    this.#turnReads = new TurnReads(file.connection);
    const { checkpointer } = this.options;
    if (checkpointer !== undefined && !this.#isReadOnly) {
      this.#checkpointer = new Checkpointer({
        ...checkpointer,
        path: this.path,
        connection: file.connection,
      });
    }
    return file;
  }
}

function realPathOf(path: string): string | undefined {
  try {
    return join(realpathSync(dirname(path)), basename(path));
  } catch {
    return undefined;
  }
}
