import type { Clock } from '../../lib/common/clock.js';

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  #monotonic = 0;
  #slept = 0;
  readonly #listeners: ((now: number) => void)[] = [];

  /** @param now Unix ms */
  constructor(private wall = Date.UTC(2026, 0, 1)) {}

  now(): number {
    return this.wall;
  }

  coarseNow(): number {
    return this.wall;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  uptime(): number {
    return this.#monotonic + this.#slept;
  }

  /** Time passes. */
  advance(ms: number): void {
    this.#monotonic += ms;
    this.jumpTo(this.wall + ms);
  }

  /** Called with the wall clock, now and whenever it changes. */
  onAdvance(listener: (now: number) => void): void {
    this.#listeners.push(listener);
    listener(this.wall);
  }

  /** Time passes for all but the machine. */
  sleep(ms: number): void {
    this.wall += ms;
    this.#slept += ms;
  }

  /** Somebody sets the wall clock; no time passes. */
  jumpTo(unixMs: number): void {
    this.wall = unixMs;
    for (const listener of this.#listeners) listener(this.wall);
  }
}
