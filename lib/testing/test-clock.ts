import { setImmediate as onNextTurn } from 'node:timers';
import type { Clock } from '../common/clock.js';
import { toMilliseconds, type Duration } from '../common/duration.js';
import { InvalidArgumentError } from '../common/errors.js';

const FIRST = Date.UTC(2026, 5, 1, 12);

/** A component that a clock drives: a node. @internal */
export interface ClockDriven {
  /** Does the work of all timers that are due by now. Never rejects. */
  runDue(): Promise<void>;
}

/**
 * A clock that moves only when a test moves it. An application that uses it measures every ttl, window and lease by it, and
 * does the due work when the clock moves.
 *
 * @publicApi
 */
export class TestClock implements Clock {
  #wall: number;
  #passed = 0;
  readonly #driven = new Set<ClockDriven>();

  /** @param now its first time. @default noon of 1 June 2026, UTC */
  constructor(now: number | Date = FIRST) {
    this.#wall = instant(now);
  }

  /**
   * Lets time pass. Resolves when all due work is done: waiting writes are committed, expired entries are swept, ended leases
   * have passed to their waiters, ended waits are settled, and locks with `renew` are renewed.
   *
   * @param time milliseconds or a duration, from 0
   * @throws {HC_ARGUMENT_INVALID}
   */
  async advance(time: Duration): Promise<void> {
    const ms = toMilliseconds(time, 'time to advance by');
    this.#wall += ms;
    this.#passed += ms;
    await Promise.all(Array.from(this.#driven, (driven) => driven.runDue()));
    // The results reach the callers that wait for them.
    for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => onNextTurn(resolve));
  }

  /**
   * Sets the wall clock, forwards or backwards, as an administrator would. No time passes, and entries live as long as before.
   *
   * @throws {HC_ARGUMENT_INVALID}
   */
  set(now: number | Date): void {
    this.#wall = instant(now);
  }

  /** @internal */
  attach(driven: ClockDriven): void {
    this.#driven.add(driven);
  }

  /** @internal */
  detach(driven: ClockDriven): void {
    this.#driven.delete(driven);
  }

  /** Unix ms. */
  now(): number {
    return this.#wall;
  }

  coarseNow(): number {
    return this.#wall;
  }

  /** Milliseconds that have passed since the clock was made. */
  monotonic(): number {
    return this.#passed;
  }

  uptime(): number {
    return this.#passed;
  }
}

function instant(now: number | Date): number {
  const ms = Number(now);
  if (Number.isFinite(ms)) return ms;
  throw new InvalidArgumentError(
    'The time is not acceptable.',
    'Give Unix milliseconds or a Date.',
  );
}
