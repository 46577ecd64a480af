import type { Clock } from '../../common/clock.js';
import { MAX_RUN } from '../source-table.js';
import type { Storage } from '../storage.js';
import type { MaintenanceTask } from '../../common/maintenance-task.js';
import type { Reclaimer } from './evictor.js';
import { AdaptiveBatch } from './adaptive-batch.js';

const MIN_TRIM_ROWS = 100;
const MAX_TRIM_ROWS = 2000;
const MARK_INTERVAL_MS = 10_000;

/** How long the last sequence of another node is remembered, in ms. A node that was away for longer may repeat a write. */
const SOURCE_KEPT_MS = 30 * 24 * 3_600_000;

/** In a full file, the log may take this share. When more room is needed, this many rows are removed. */
const FULL_SHARE = 1 / 8;
const ROOM_ROWS = 500;

/**
 * Keeps the change log within its bounds of entries and age, and within its share of a full file.
 *
 * @internal
 */
export class LogTrimmer implements MaintenanceTask, Reclaimer {
  #markedAt = 0;
  #markedRevision = -1;
  readonly #trimSize: AdaptiveBatch;
  #steppedRevision: number | undefined;

  constructor(
    private readonly storage: Storage,
    private readonly clock: Clock,
    private readonly maxEntries: number,
    private readonly maxAgeMs: number,
    /** Bound of the file, in bytes; Infinity for none. */
    private readonly maxFileBytes: number,
  ) {
    this.#trimSize = new AdaptiveBatch(clock, MIN_TRIM_ROWS, MAX_TRIM_ROWS);
  }

  reclaim(): boolean {
    const { storage } = this;
    const maxRows = (this.maxFileBytes * FULL_SHARE) / storage.changes.rowBytes();
    const last = storage.revision - Math.floor(maxRows);
    if (last < storage.changes.oldest()) return false;
    return storage.transaction(() => this.#trim(last, ROOM_ROWS)) > 0;
  }

  step(): boolean {
    const { storage } = this;
    // Trim more than what was added since the last step. Otherwise the log would grow while each turn of the loop adds
    // more.
    const added = storage.revision - (this.#steppedRevision ?? storage.revision);
    const isFull = storage.transaction(() => this.#markAndTrim(added));
    this.#steppedRevision = isFull ? storage.revision : undefined;
    return isFull;
  }

  /** Returns whether there is more to trim. */
  #markAndTrim(added: number): boolean {
    const { storage } = this;
    const now = this.clock.now();
    if (storage.revision !== this.#markedRevision && now - this.#markedAt >= MARK_INTERVAL_MS) {
      storage.changes.mark(storage.revision, now);
      storage.sources.forget(now - SOURCE_KEPT_MS);
      this.#markedAt = now;
      this.#markedRevision = storage.revision;
    }
    const byCount = storage.revision - this.maxEntries;
    const byAge = storage.changes.headAt(now - this.maxAgeMs);
    const last = Math.max(byCount, byAge);
    if (last < storage.changes.oldest()) return false;
    let limit = 0;
    const trimmed = this.#trimSize.run((size) => {
      limit = Math.min(size + added, MAX_TRIM_ROWS);
      return this.#trim(last, limit);
    });
    return trimmed === limit;
  }

  #trim(revision: number, limit: number): number {
    const { changes, sources } = this.storage;
    const removed = changes.trim(revision, limit);
    sources.trimLog(changes.oldest() - MAX_RUN, limit);
    return removed;
  }
}
