import type { Clock } from './clock.js';

/** Recent heartbeats, of which the best estimate counts. */
const SAMPLES = 16;

/**
 * The primary's clock, as far as a replica knows it; deadlines follow that clock. It is kept as an offset from this machine's
 * monotonic clock, so a change of the wall clock here does not change what is expired. Each reading arrives late by its
 * travel time, so the largest of the last offsets is the most accurate.
 *
 * @internal
 */
export class RemoteClock implements Clock {
  #samples: number[] = [];
  /** Undefined before the primary's first sign of life; until then this machine's clock takes its place. */
  #offset: number | undefined;
  #turn = NaN;
  #coarse = 0;

  constructor(private readonly own: Clock) {}

  /**
   * How far the primary's clock is ahead of this machine's monotonic clock, in ms; undefined before the primary's first sign
   * of life.
   */
  get offset(): number | undefined {
    return this.#offset;
  }

  now(): number {
    return this.#offset === undefined
      ? this.own.now()
      : Math.round(this.own.monotonic() + this.#offset);
  }

  coarseNow(): number {
    // The machine's coarse clock changes with each turn, and is cheap to read.
    const turn = this.own.coarseNow();
    if (turn === this.#turn) return this.#coarse;
    this.#turn = turn;
    this.#coarse = this.now();
    return this.#coarse;
  }

  monotonic(): number {
    return this.own.monotonic();
  }

  /** Takes the offset from another process of this machine, which follows the primary. */
  adopt(offset: number | undefined): void {
    this.#samples = [];
    this.#offset = offset;
    this.#turn = NaN;
  }

  uptime(): number {
    return this.own.uptime();
  }

  /** Earlier readings may come from another primary's clock. */
  restart(primaryNow: number): void {
    this.#samples = [];
    this.observe(primaryNow);
  }

  /** The primary's clock has just arrived, in Unix ms. */
  observe(primaryNow: number): void {
    this.#samples.push(primaryNow - this.own.monotonic());
    if (this.#samples.length > SAMPLES) this.#samples.shift();
    this.#offset = Math.max(...this.#samples);
    this.#turn = NaN;
  }
}
