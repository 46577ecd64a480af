import type { Clock } from '../common/clock.js';

/** Heartbeats of which the best estimate is taken. */
const SAMPLES = 16;

/**
 * The primary's wall clock, as far as a replica can know it: deadlines are the primary's. Each reading of it
 * arrives late by the way it took, so the largest difference of the last ones is the closest.
 *
 * @internal
 */
export class PrimaryClock implements Clock {
  readonly #samples: number[] = [];
  #offset = 0;

  constructor(private readonly own: Clock) {}

  /** How far the primary's clock is ahead of this machine's, in ms. */
  get offset(): number {
    return this.#offset;
  }

  now(): number {
    return this.own.now() + this.#offset;
  }

  coarseNow(): number {
    return this.own.coarseNow() + this.#offset;
  }

  monotonic(): number {
    return this.own.monotonic();
  }

  /** Another process of this machine has heard the primary. */
  adopt(offset: number): void {
    this.#samples.length = 0;
    this.#offset = offset;
  }

  /** The primary's clock has just arrived, in Unix ms. */
  observe(primaryNow: number): void {
    this.#samples.push(primaryNow - this.own.now());
    if (this.#samples.length > SAMPLES) this.#samples.shift();
    this.#offset = Math.max(...this.#samples);
  }
}
