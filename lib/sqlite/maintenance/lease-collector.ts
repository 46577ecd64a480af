import type { MaintenanceTask } from '../../common/maintenance-task.js';
import type { Clock } from '../../common/clock.js';
import type { Storage } from '../storage.js';
import type { Reclaimer } from './evictor.js';

/** Rows that one step reads. */
const STEP_ROWS = 500;

/** Steps before entries are evicted instead: held leases may lie next to each other. */
const STEPS_FOR_ROOM = 8;

/** Milliseconds between two steps while nothing is urgent. */
const STEP_INTERVAL_MS = 1000;

/** Locks and slots that are remembered, held or free; fewer in a small file. */
const MOST_KNOWN = 10_000;

/** After a walk that finds only held leases, the rest lasts this many times as long as the walk. */
const REST_FACTOR = 10;
const MIN_REST_MS = 10;

/** In a full file, leases may take this share, each with the longest name and owner. */
const FULL_SHARE = 1 / 8;
const MAX_ROW_BYTES = 1400;

/**
 * Forgets leases whose last holder ended long ago. Until then their rows stay, because of their tokens. When there are
 * too many rows, free leases are forgotten immediately.
 *
 * @internal
 */
export class LeaseCollector implements MaintenanceTask, Reclaimer {
  readonly #mostKnown: number;
  #nextStepAt = -Infinity;
  /** Until then, all known leases are assumed to be held, because a walk found only held ones. */
  #isFullUntil = -Infinity;
  /** How long the current walk has held the event loop so far, in ms. */
  #walkMs = 0;
  #hasFound = true;

  constructor(
    private readonly storage: Storage,
    private readonly clock: Clock,
    /** How long a lease is remembered after its end, in ms. */
    private readonly keepMs: number,
    /** Bound of the file, in bytes; Infinity for none. */
    maxFileBytes: number,
  ) {
    const inFile = Math.floor((maxFileBytes * FULL_SHARE) / MAX_ROW_BYTES);
    this.#mostKnown = Math.min(MOST_KNOWN, inFile);
  }

  /** Continues without a pause while there are too many leases. */
  step(): boolean {
    const now = this.clock.monotonic();
    if (this.#isCrowded(now)) {
      this.#forgetFree(now);
      return true;
    }
    if (now < this.#nextStepAt) return false;
    this.#nextStepAt = now + STEP_INTERVAL_MS;
    // A walk that continues from here has not seen all rows.
    this.#hasFound = true;
    this.#collect(now - this.keepMs, now);
    return false;
  }

  reclaim(): boolean {
    const now = this.clock.monotonic();
    for (let i = 0; i < STEPS_FOR_ROOM && this.#isCrowded(now); i++) {
      if (this.#forgetFree(now)) return true;
    }
    return false;
  }

  #isCrowded(now: number): boolean {
    if (now < this.#isFullUntil) return false;
    return this.storage.leases.countKnown(this.#mostKnown + 1) > this.#mostKnown;
  }

  /** Returns whether any lease was free; rests after a walk that found none. */
  #forgetFree(now: number): boolean {
    const start = this.clock.monotonic();
    const { forgotten, isLast } = this.#collect(now, now);
    this.#walkMs += this.clock.monotonic() - start;
    this.#hasFound ||= forgotten > 0;
    if (isLast) {
      const restMs = Math.max(MIN_REST_MS, REST_FACTOR * this.#walkMs);
      if (!this.#hasFound) this.#isFullUntil = now + restMs;
      this.#walkMs = 0;
      this.#hasFound = false;
    }
    return forgotten > 0;
  }

  #collect(before: number, now: number): { forgotten: number; isLast: boolean } {
    const { leases } = this.storage;
    return this.storage.transaction(() => leases.collect(before, now, STEP_ROWS));
  }
}
