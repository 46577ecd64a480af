import type { Clock } from '../../common/clock.js';
import type { MaintenanceTask } from '../../common/maintenance-task.js';
import type { Storage } from '../storage.js';
import type { Reclaimer } from './evictor.js';

/** Rows that one step reads. */
const STEP_ROWS = 500;

/** Milliseconds between two steps while nothing is urgent. */
const STEP_INTERVAL_MS = 1000;

/** Rows that are remembered; fewer in a small file, where they may take this share. */
const MOST_KNOWN = 100_000;
const FULL_SHARE = 1 / 8;
/** Bytes that SQLite needs for a row, in both b-trees, in addition to its contents. */
const ROW_BYTES = 120;

/**
 * Forgets throttle states that have ended. When there are too many, it forgets half of each page: the rows that end
 * first, whether they have ended or not. It walks the table, because an index on the deadline would double each write.
 *
 * @internal
 */
export class ThrottleCollector implements MaintenanceTask, Reclaimer {
  readonly #mostBytes: number;
  #cursor = 0;
  #nextStepAt = -Infinity;
  /** Rows and bytes of the current walk, and of the last complete one. */
  #seen = { rows: 0, bytes: 0 };
  #known = { rows: 0, bytes: 0 };
  /** Rows that had been added when the last complete walk ended. */
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

  /** Continues without a pause while there are too many rows. */
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
