import type { Clock } from '../../common/clock.js';
import type { MaintenanceTask } from '../../common/maintenance-task.js';
import type { Storage } from '../storage.js';
import type { Reclaimer } from './evictor.js';

/** Rows that one step looks at. */
const STEP_ROWS = 500;

/** Milliseconds between two steps while nothing is urgent. */
const STEP_INTERVAL_MS = 1000;

/** So many are remembered, and less in a small file, of which they may take this share. */
const MOST_KNOWN = 100_000;
const FULL_SHARE = 1 / 8;
/** What SQLite needs for a row, in both b-trees, besides its contents. */
const ROW_BYTES = 120;

/**
 * Forgets what was throttled and has ended; when too much is known, of each page the half that ends first, whether it
 * has or not. Walks the table: an index on the deadline would double each write.
 *
 * @internal
 */
export class ThrottleCollector implements MaintenanceTask, Reclaimer {
  readonly #mostBytes: number;
  #cursor = 0;
  #nextStepAt = -Infinity;
  /** Of the walk so far, and of the last whole one. */
  #seen = { rows: 0, bytes: 0 };
  #known = { rows: 0, bytes: 0 };
  /** Rows that had been added when the last whole walk ended. */
  #addedBefore = 0;

  constructor(
    private readonly storage: Storage,
    private readonly clock: Clock,
    /** Bound of the file, in bytes; Infinity for none. */
    maxFileBytes: number,
    private readonly mostKnown = MOST_KNOWN,
  ) {
    this.#mostBytes = maxFileBytes * FULL_SHARE;
  }

  /** Goes on at once while there are too many. */
  step(): boolean {
    const now = this.clock.monotonic();
    const isCrowded = this.#isCrowded;
    if (!isCrowded && now < this.#nextStepAt) return false;
    this.#nextStepAt = now + STEP_INTERVAL_MS;
    return this.#collect(isCrowded) > 0 && isCrowded;
  }

  reclaim(): boolean {
    return this.#isCrowded && this.#collect(true) > 0;
  }

  get #isCrowded(): boolean {
    const { added } = this.storage.throttles;
    const rows = this.#known.rows + added - this.#addedBefore;
    return rows > this.mostKnown || this.#known.bytes + rows * ROW_BYTES > this.#mostBytes;
  }

  /** Returns how many were forgotten. */
  #collect(isCrowded: boolean): number {
    const { throttles } = this.storage;
    const { last, rows, bytes } = throttles.page(this.#cursor, STEP_ROWS);
    let forgotten = 0;
    if (last !== undefined) {
      const now = this.clock.now();
      forgotten = this.storage.transaction(() => {
        const ended = throttles.forgetEnded(this.#cursor, last, now);
        const excess = isCrowded ? Math.ceil(rows / 2) - ended : 0;
        return excess > 0 ? ended + throttles.forgetFirst(this.#cursor, last, excess) : ended;
      });
      this.#seen.rows += rows - forgotten;
      this.#seen.bytes += bytes * (1 - forgotten / rows);
      this.#known.rows -= Math.min(forgotten, this.#known.rows);
      this.#cursor = last;
    }
    if (rows < STEP_ROWS) this.#endWalk();
    return forgotten;
  }

  #endWalk(): void {
    this.#cursor = 0;
    this.#known = this.#seen;
    this.#seen = { rows: 0, bytes: 0 };
    this.#addedBefore = this.storage.throttles.added;
  }
}
