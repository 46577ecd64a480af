import type { MaintenanceTask } from '../../common/maintenance-task.js';
import type { Clock } from '../../common/clock.js';
import type { Storage } from '../storage.js';
import type { Reclaimer } from './evictor.js';

/** Rows that one step looks at. */
const STEP_ROWS = 500;

/** Steps before entries have to go: those that are held may lie side by side. */
const STEPS_FOR_ROOM = 8;

/** Milliseconds between two steps while nothing is urgent. */
const STEP_INTERVAL_MS = 1000;

/** So many locks and slots are remembered, held or free, and less in a small file. */
const MOST_KNOWN = 10_000;

/** After a walk over those that are all held, so many times as long as it took. */
const REST_FACTOR = 10;
const MIN_REST_MS = 10;

/** Of a file that is full, they may take this share, each with the longest name and owner. */
const FULL_SHARE = 1 / 8;
const MAX_ROW_BYTES = 1400;

/**
 * Forgets leases whose last holder ended long ago. Until then their rows stay, because of their tokens; when there are
 * too many of them, those that are free go at once.
 *
 * @internal
 */
export class LeaseCollector implements MaintenanceTask, Reclaimer {
  readonly #mostKnown: number;
  #nextStepAt = -Infinity;
  /** All that are known are held, as a walk over them has shown. */
  #isFullUntil = -Infinity;
  /** What the walk has taken of the event loop's time so far. */
  #walkMs = 0;
  #hasFound = true;

  constructor(
    private readonly storage: Storage,
    private readonly clock: Clock,
    /** Milliseconds after its end for which a lease is remembered. */
    private readonly keepMs: number,
    /** Bound of the file, in bytes; Infinity for none. */
    maxFileBytes: number,
  ) {
    const inFile = Math.floor((maxFileBytes * FULL_SHARE) / MAX_ROW_BYTES);
    this.#mostKnown = Math.min(MOST_KNOWN, inFile);
  }

  /** Goes on at once while there are too many. */
  step(): boolean {
    const now = this.clock.monotonic();
    if (this.#isCrowded(now)) {
      this.#forgetFree(now);
      return true;
    }
    if (now < this.#nextStepAt) return false;
    this.#nextStepAt = now + STEP_INTERVAL_MS;
    // A walk that goes on from here has not seen everything.
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

  /** Returns whether any were free; rests after a walk without one. */
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
