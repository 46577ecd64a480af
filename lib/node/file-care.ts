import type { Serving } from '../cluster/failover/serving.js';
import { LogTooLargeError, StorageLostError } from '../common/errors.js';
import type { MemoryListener } from '../engine/memory-coherence.js';
import { isBusy, isCorruption, toStorageError } from '../sqlite/sqlite-error.js';
import type { LossReason } from '../sqlite/file-slot.js';
import type { Storage } from '../sqlite/storage.js';
import type { NodeContext } from './node-context.js';

/** @internal */
export interface FileCareParts extends Pick<NodeContext, 'events' | 'incidents' | 'logger'> {
  readonly storage: Storage;
  readonly memory: MemoryListener;
  readonly serving: Serving;
  /** Bound of the file, in bytes; its log should not outgrow it. */
  readonly maxSize: number;
}

/**
 * Begins a new file for a primary that has lost its own, and receives the failures that no caller sees.
 *
 * @internal
 */
export class FileCare {
  #isLogLarge = false;

  constructor(private readonly parts: FileCareParts) {}

  /** Called after the start: the file that was found may have been damaged. */
  announceQuarantine(): void {
    const { quarantined } = this.parts.storage;
    if (quarantined !== undefined) this.#announce('corrupt', quarantined);
  }

  readonly onReadError = (error: unknown): void => {
    this.parts.incidents.report(toStorageError(error), 'reading');
    if (isCorruption(error)) this.#tryToRecover('corrupt');
  };

  readonly onMaintenanceError = (error: unknown): void => {
    // Another process holds the file for a moment: the next round finds the same work.
    if (isBusy(error)) return;
    this.parts.incidents.report(toStorageError(error), 'maintaining the file');
    if (isCorruption(error)) this.#tryToRecover('corrupt');
  };

  /** Returns whether the file is where it should be. */
  watch(): boolean {
    const { storage, incidents } = this.parts;
    if (!storage.isUnlinked()) {
      this.#watchLog();
      return true;
    }
    const reason = storage.lossReason;
    if (reason === 'unlinked') {
      const error = new StorageLostError(
        'The database file was deleted or replaced while in use.',
        'Leave the files in sqlitePath alone while the application runs; to empty the cache, call clear().',
      );
      incidents.report(error, 'watching the file');
    }
    this.#tryToRecover(reason);
    return false;
  }

  /** Reports once each time that the log grows beyond the bound. */
  #watchLog(): void {
    const { storage, incidents, maxSize } = this.parts;
    const bytes = storage.walBytes();
    const wasLarge = this.#isLogLarge;
    this.#isLogLarge = bytes > maxSize;
    if (!this.#isLogLarge || wasLarge) return;
    incidents.report(new LogTooLargeError(bytes, maxSize), 'watching the file');
  }

  /**
   * Begins a new file with a new history; what memory still holds belongs to the old one.
   *
   * @throws the reason when there is none
   */
  recover(reason: LossReason): void {
    const { storage, memory, serving } = this.parts;
    const quarantined = storage.replace(reason);
    memory.lost();
    serving.interrupted.emit(
      'the primary has begun a new file',
      new StorageLostError(
        `The file that held the leases was ${reason}.`,
        'Start the work over under a new lock.',
      ),
    );
    this.#announce(reason, quarantined);
  }

  /** As {@link recover}, when there is no caller that could receive the error; maintenance tries again. */
  #tryToRecover(reason: LossReason): void {
    try {
      this.recover(reason);
    } catch (error) {
      this.parts.incidents.report(toStorageError(error), 'beginning a new file');
    }
  }

  #announce(reason: LossReason, quarantined: string | undefined): void {
    const { logger, events } = this.parts;
    const kept = quarantined === undefined ? '' : ` The old one was kept as ${quarantined}.`;
    logger.warn(`The cache file was ${reason}; an empty one was begun.${kept}`);
    events.emit('recovered', { reason, quarantined });
  }
}
