import { statSync } from 'node:fs';
import { hostname } from 'node:os';
import { Signal } from '../common/signal.js';
import type { MemoryListener } from '../engine/memory-coherence.js';
import { backUp, type BackupSummary } from './backup.js';
import { ChangeKind, type ChangeLog } from './change-log.js';
import type { EntryCounts } from './entry-counts.js';
import type { EntryTable } from './entry-table.js';
import type { EpochStart } from './file-identity.js';
import { FileSlot, type FileSlotOptions, type LossReason } from './file-slot.js';
import type { LeaseTable } from './lease-table.js';
import type { ListingTable } from './listing-table.js';
import type { NamespaceTable } from './namespace-table.js';
import type { OpenFile } from './open-file.js';
import type { RunTable } from './run-table.js';
import type { SourceTable } from './source-table.js';
import { pragmaSql } from './sql/pragmas.js';
import { DROP_LOG_TRIGGERS, LOG_TRIGGERS } from './sql/schema.js';
import type { TagTable } from './tag-table.js';
import type { ThrottleTable } from './throttle-table.js';
import { Transactions } from './transactions.js';

/** Name of the database file in `sqlitePath`. @internal */
export const FILE_NAME = 'hypercache.sqlite';

/** @internal */
export interface StorageOptions extends FileSlotOptions {
  /** Receives what other processes on the file have changed. */
  readonly memory?: MemoryListener;
}

/**
 * One SQLite file: its tables, transactions, revisions and identity. The constructor does no I/O.
 *
 * @internal
 */
export class Storage {
  /** The last committed revision has grown. */
  readonly advanced = new Signal();
  readonly #slot: FileSlot;
  readonly #transactions: Transactions;

  constructor(private readonly options: StorageOptions) {
    const slot = (this.#slot = new FileSlot(options));
    const transactions = new Transactions({ ...options, slot, advanced: this.advanced });
    slot.opened.on(({ head }) => transactions.restart(head));
    this.#transactions = transactions;
  }

  get path(): string {
    return this.options.path;
  }

  get isOpen(): boolean {
    return this.#slot.isOpen;
  }

  get entries(): EntryTable {
    return this.#open.entries;
  }

  /**
   * For reads of a file that no other process writes to. The reads of one turn of the event loop share a transaction,
   * which ends with any other use of the storage.
   */
  get turn(): Pick<OpenFile, 'entries' | 'namespaces'> {
    return this.#slot.turn;
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

  /** Grows at each start, except when a process joins others. */
  get epoch(): number {
    return this.#open.epoch;
  }

  /** The head of the log at the start of each of the last epochs. */
  get epochStarts(): readonly EpochStart[] {
    return this.#open.epochStarts;
  }

  /** Identifies this opening of the file to people: where the process runs, and a random id. */
  get processName(): string {
    return `${hostname()} (pid ${process.pid}, ${this.#open.processId})`;
  }

  /** The revision of the last committed change that this process knows of. */
  get revision(): number {
    return this.#transactions.revision;
  }

  /** As {@link revision}, but includes what the running transaction has changed so far. */
  get head(): number {
    return this.#transactions.head;
  }

  /** Assigns a revision to the next change of the running transaction. */
  nextRevision(): number {
    return this.#transactions.next();
  }

  /** The running transaction applies what another node has committed up to this revision. */
  advanceTo(revision: number): void {
    this.#transactions.advanceTo(revision);
  }

  /** A durable note; undefined when there is none. */
  readMeta(name: string): string | undefined {
    return this.#open.readMeta(name);
  }

  /** Called inside a transaction. */
  writeMeta(name: string, text: string): void {
    this.#open.writeMeta(name, text);
  }

  /** Called inside a transaction. */
  removeMeta(name: string): void {
    this.#open.removeMeta(name);
  }

  /** Runs `body` in one transaction, which has reached the disk when this returns. */
  durableTransaction(body: () => void): void {
    this.#open.durably(() => this.transaction(body));
  }

  /**
   * Runs `body` in one transaction; if it throws, nothing happened.
   *
   * @throws what `body` throws, or SQLite's error
   */
  transaction<T>(body: () => T): T {
    return this.#transactions.run(body);
  }

  /** As {@link Transactions.setAlone}. */
  setAlone(entry: Parameters<Transactions['setAlone']>[0]): number | undefined {
    return this.#transactions.setAlone(entry);
  }

  /** Takes note of what other processes have committed. A transaction of this process does that anyway when it begins. */
  catchUp(): void {
    this.#transactions.catchUp();
  }

  /** Whether another process has the file open. Also restores the note that this process has it open, if it was forgotten. */
  isShared(): boolean {
    return this.#open.isShared();
  }

  /** Writes the counts to the file, for processes that only read it. */
  noteCounts(): void {
    this.transaction(() => this.counts.save());
  }

  /** Called when no other process has the file open any more. */
  noteAlone(): void {
    if (this.counts.isShared) this.#open.keepCounts();
  }

  /** A number that changes when another process commits. */
  dataVersion(): number {
    return this.#open.dataVersion();
  }

  /** Bytes of the file in use, and bytes of the whole file. */
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

  /** What does the checkpoints: the thread or the writer. */
  get checkpoints(): 'worker' | 'inline' {
    return this.#slot.checkpointer?.isWorking === true ? 'worker' : 'inline';
  }

  /** Whether writes should wait a moment, so that the write-ahead log can restart. Call it outside of a transaction. */
  mustPause(): boolean {
    return this.#slot.checkpointer?.mustPause() ?? false;
  }

  /** Releases up to this many unused pages at the end of the file to the file system. */
  release(pages: number): void {
    this.#open.connection.exec(pragmaSql.releasePages(pages));
  }

  /** Until {@link endCopy}, the file receives what was logged elsewhere, and no process relies on it. */
  beginCopy(): void {
    this.#open.connection.exec(pragmaSql.syncOff);
    this.#open.connection.exec(DROP_LOG_TRIGGERS);
  }

  /** The copy is complete as of a revision, which becomes the head of its log. Called inside a transaction. */
  endCopy(revision: number): void {
    this.#open.connection.exec(LOG_TRIGGERS);
    this.changes.append(revision, 0, ChangeKind.Clear, '');
    this.advanceTo(revision);
  }

  /**
   * Copies the file to a free path, as of one point in time, while other work continues.
   *
   * @throws {HC_CLOSED | HC_BACKUP_FAILED | HC_STORAGE_FULL | HC_STORAGE_BUSY}
   */
  async backUp(to: string): Promise<BackupSummary> {
    void this.#open;
    return backUp(this.path, to);
  }

  // FileSlot documents the methods that follow.

  open(how?: Parameters<FileSlot['open']>[0]): void {
    this.#slot.open(how);
  }

  isUnlinked(): boolean {
    return this.#slot.isUnlinked();
  }

  get lossReason(): LossReason {
    return this.#slot.lossReason;
  }

  get quarantined(): string | undefined {
    return this.#slot.quarantined;
  }

  replace(reason: LossReason): string | undefined {
    const { revision } = this;
    const moved = this.#slot.replace(reason);
    if (revision > this.revision) this.#transactions.continueFrom(revision);
    return moved;
  }

  exchangeFor(path: string): void {
    this.#slot.exchangeFor(path);
  }

  beginStop(): void {
    this.#slot.beginStop();
  }

  close(): void {
    this.#slot.close();
  }

  get #open(): OpenFile {
    return this.#slot.file;
  }
}
