import type { Clock } from './clock.js';

/** A smaller step of the wall clock is followed at once, in ms. */
const STEP_MS = 1000;

/** A disciplined wall clock may run fast or slow by this share of the time; that is not a step. */
const DRIFT = 500e-6;

/** A larger step means that the clock was simply wrong, in ms; it is followed at once. */
const WRONG_MS = 24 * 3_600_000;

/** A step is corrected by this share of the time that passes. */
const PACE = 0.1;

/** The state of a {@link SteadyClock}, for another process of the same machine. @internal */
export interface ClockReading {
  readonly wall: number;
  readonly monotonic: number;
  readonly uptime: number;
  readonly ahead: number;
}

/**
 * The clock of deadlines. It follows the wall clock until the wall clock is set. After that, entries neither expire at once
 * nor live longer: this clock runs a tenth faster or slower, until it agrees with the wall clock again. The time that a
 * machine slept is not such a step.
 *
 * @internal
 */
export class SteadyClock implements Clock {
  /** How far the wall clock is ahead of this clock, in ms. */
  #ahead = 0;
  #steps = 0;
  /** When the wall clock was last compared with the monotonic one. */
  #wall: number;
  #monotonic: number;
  #slept: number;
  /** The last reading of both clocks, while this clock approaches the wall clock. */
  #seen = NaN;
  #last = 0;

  constructor(private readonly own: Clock) {
    this.#wall = own.now();
    this.#monotonic = own.monotonic();
    this.#slept = own.uptime() - this.#monotonic;
  }

  /** How often the wall clock was set. */
  get steps(): number {
    return this.#steps;
  }

  now(): number {
    return this.#steady(this.own.now());
  }

  coarseNow(): number {
    return this.#steady(this.own.coarseNow());
  }

  monotonic(): number {
    return this.own.monotonic();
  }

  uptime(): number {
    return this.own.uptime();
  }

  /** What another process needs to share this clock. */
  note(): ClockReading {
    this.#compare();
    const monotonic = this.#monotonic;
    return { wall: this.#wall, monotonic, uptime: monotonic + this.#slept, ahead: this.#ahead };
  }

  /** Continues from the state of another process of this machine. */
  resume({ wall, monotonic, uptime, ahead }: ClockReading): void {
    this.#wall = wall;
    this.#monotonic = monotonic;
    this.#slept = uptime - monotonic;
    this.#ahead = ahead;
    this.#seen = NaN;
    this.#compare();
  }

  #steady(wall: number): number {
    const since = wall - this.#wall;
    if (this.#ahead === 0 && since >= 0 && since < STEP_MS) return wall;
    if (wall === this.#seen) return this.#last;
    this.#compare();
    this.#seen = wall;
    this.#last = Math.floor(this.#wall - this.#ahead);
    return this.#last;
  }

  #compare(): void {
    const wall = this.own.now();
    const monotonic = this.own.monotonic();
    const passed = Math.max(0, monotonic - this.#monotonic);
    let step = wall - this.#wall - passed;
    this.#wall = wall;
    this.#monotonic = monotonic;
    this.#ahead -= Math.sign(this.#ahead) * Math.min(Math.abs(this.#ahead), PACE * passed);
    if (Math.abs(step) < STEP_MS + DRIFT * passed) return;
    const slept = this.own.uptime() - monotonic;
    if (slept - this.#slept >= STEP_MS) step -= slept - this.#slept;
    this.#slept = slept;
    if (Math.abs(step) < STEP_MS + DRIFT * passed) return;
    this.#steps++;
    this.#ahead += step;
    if (Math.abs(this.#ahead) > WRONG_MS) this.#ahead = 0;
  }
}
