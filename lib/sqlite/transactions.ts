import type { Signal } from '../common/signal.js';
import type { MemoryListener } from '../engine/memory-coherence.js';
import { ChangeKind } from './change-log.js';
import type { WrittenEntry } from './entry-table.js';
import type { FileSlot } from './file-slot.js';
import type { OpenFile } from './open-file.js';
import { isTakenRowId } from './sqlite-error.js';
import { forgetChanges } from './forget-changes.js';

/** @internal */
export interface TransactionsParts {
  readonly slot: FileSlot;
  /** The last committed revision has grown. */
  readonly advanced: Signal;
  /** Receives what other processes on the file have changed. */
  readonly memory?: MemoryListener | undefined;
  /** No other process writes to the file. */
  readonly hasOneWriter?: boolean | undefined;
}

/** Number of foreign changes that are read. With more, memory is no longer trusted. */
const MOST_READ = 10_000;

/**
 * Transactions on a file, and the revisions that they assign to changes. Each transaction first learns everything that
 * other processes have committed before it.
 *
 * @internal
 */
export class Transactions {
  #revision = 0;
  #staged = 0;
  /** Every process that has written is known to be present. */
  #knowsAll = true;

  constructor(private readonly parts: TransactionsParts) {}

  /** The revision of the last committed change that this process knows of. */
  get revision(): number {
    return this.#revision;
  }

  /** As {@link revision}, but includes what the running transaction has changed so far. */
  get head(): number {
    return this.#staged;
  }

  /** Assigns a revision to the next change of the running transaction. */
  next(): number {
    return ++this.#staged;
  }

  /** The running transaction applies what another node has committed up to this revision. */
  advanceTo(revision: number): void {
    this.#staged = revision;
  }

  /** Switches to another file, whose log ends here. */
  restart(head: number): void {
    this.#knowsAll = true;
    this.#revision = this.#staged = head;
  }

  /**
   * Runs `body` in one transaction; if it throws, nothing happened.
   *
   * @throws what `body` throws, or SQLite's error
   */
  run<T>(body: () => T): T {
    const file = this.parts.slot.file;
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
   * Writes one plain set as one statement. SQLite's own transaction is enough, because a trigger appends to the log.
   *
   * @returns the revision; undefined, with nothing written, when other processes write too
   */
  setAlone(entry: Omit<WrittenEntry, 'revision' | 'tagSet'>): number | undefined {
    const { file } = this.parts.slot;
    if (file.counts.isShared || !this.#knowsAll) return undefined;
    const revision = this.next();
    try {
      if (file.entries.putAlone({ ...entry, revision, tagSet: 0 })) {
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

  /** Takes the write lock, and learns everything that was written before, and which processes wrote. */
  #begin(file: OpenFile): void {
    for (;;) {
      this.#noteOthers(file);
      file.begin();
      this.#catchUp(file);
      if (this.#knowsAll) return;
      file.rollback();
    }
  }

  /** A process that was not there before has written: from here on the counts are shared. */
  #noteOthers(file: OpenFile): void {
    if (this.#knowsAll) return;
    if (!file.counts.isShared && this.parts.hasOneWriter !== true && file.isShared()) {
      file.shareCounts();
    }
    this.#knowsAll = true;
  }

  #settle(file: OpenFile): void {
    file.counts.commit();
    this.parts.slot.checkpointer?.committed();
    if (this.#revision === this.#staged) return;
    this.#revision = this.#staged;
    this.parts.advanced.emit();
  }

  #abandon(file: OpenFile): void {
    this.#staged = this.#revision;
    file.counts.rollback();
    // SQLite has already rolled back by itself when the disk is full.
    if (file.connection.inTransaction) file.rollback();
    file.namespaces.forget();
  }

  /**
   * Takes note of what other processes have committed, outside of a transaction. A transaction of this process does
   * that anyway when it begins.
   */
  catchUp(): void {
    this.#catchUp(this.parts.slot.file);
  }

  #catchUp(file: OpenFile): void {
    const since = this.#revision;
    const head = file.changes.head();
    if (head === since) return;
    // Read before anything is recorded: what cannot be read now is reported later.
    const rows = head - since <= MOST_READ ? file.changes.since(since) : [];
    // Check after the read: rows that another process has trimmed meanwhile are missing among these.
    const isLogged = rows.length > 0 && file.changes.oldest() <= since + 1;
    file.noteOthersChanges();
    this.#knowsAll = file.counts.isShared;
    this.#revision = this.#staged = head;
    this.parts.advanced.emit();
    const { memory } = this.parts;
    if (memory !== undefined) forgetChanges(file.namespaces, isLogged ? rows : undefined, memory);
  }

  /**
   * A holder of a revision of the lost file (a factory, a compare-and-set) must not meet the same revision in the new
   * one.
   */
  continueFrom(revision: number): void {
    this.run(() => {
      this.#staged = revision;
      this.parts.slot.file.changes.append(this.next(), 0, ChangeKind.Clear, '');
    });
  }
}
