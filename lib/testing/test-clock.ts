import { setImmediate as onNextTurn } from 'node:timers';
import type { Clock } from '../common/clock.js';
import { toMilliseconds, type Duration } from '../common/duration.js';
import { InvalidArgumentError } from '../common/errors.js';

const FIRST = Date.UTC(2026, 5, 1, 12);

/** What a clock drives: a node. @internal */
export interface ClockDriven {
  /** Does what its timers would have done by now; never rejects. */
  runDue(): Promise<void>;
}

/**
 * A clock that stands still until a test moves it. An application that has it judges every ttl, window and lease by it, and does what is
 * due when the clock is moved.
 *
 * @publicApi
 */
export class TestClock implements Clock {
  #wall: number;
  #passed = 0;
  readonly #driven = new Set<ClockDriven>();

  /** @param now where it stands at first. @default noon of 1 June 2026, UTC */
  constructor(now: number | Date = FIRST) {
    this.#wall = instant(now);
  }

  /**
   * Lets time pass; resolves when what was due has been done: what waited is committed, expired entries are swept, leases that have ended
   * have gone on to those who wait, waits that are over have ended, and locks with `renew` are renewed.
   *
   * @param time milliseconds or a duration, from 0
   * @throws {HC_ARGUMENT_INVALID}
   */
  async advance(time: Duration): Promise<void> {
    const ms = toMilliseconds(time, 'time to advance by');
    this.#wall += ms;
    this.#passed += ms;
    await Promise.all(Array.from(this.#driven, (driven) => driven.runDue()));
    // What it has brought about reaches those who wait for it.
    for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => onNextTurn(resolve));
  }

  /**
   * Sets the wall clock, forwards or back, as an administrator would: no time passes, and entries live as long as before.
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
