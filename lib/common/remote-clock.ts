import type { Clock } from './clock.js';

/** Heartbeats of which the best estimate is taken. */
const SAMPLES = 16;

/**
 * The primary's clock, as far as a replica can know it: deadlines are the primary's. It is kept as a distance to
 * this machine's monotonic clock, so nobody who sets the wall clock here changes what is expired. Each reading of it
 * arrives late by the way it took, so the largest difference of the last ones is the closest.
 *
 * @internal
 */
export class RemoteClock implements Clock {
  #samples: number[] = [];
  /** Undefined until the primary was heard: then its clock is taken to be that of this machine. */
  #offset: number | undefined;
  #turn = NaN;
  #coarse = 0;

  constructor(private readonly own: Clock) {}

  /** How far the primary's clock is ahead of this machine's monotonic one, in ms; undefined until it was heard. */
  get offset(): number | undefined {
    return this.#offset;
  }

  now(): number {
    return this.#offset === undefined
      ? this.own.now()
      : Math.round(this.own.monotonic() + this.#offset);
  }

  coarseNow(): number {
    // Is another one in each turn, and cheap.
    const turn = this.own.coarseNow();
    if (turn === this.#turn) return this.#coarse;
    this.#turn = turn;
    this.#coarse = this.now();
    return this.#coarse;
  }

  monotonic(): number {
    return this.own.monotonic();
  }

  /** Another process of this machine has heard the primary. */
  adopt(offset: number | undefined): void {
    this.#samples = [];
    this.#offset = offset;
    this.#turn = NaN;
  }

  uptime(): number {
    return this.own.uptime();
  }

  /** What was heard before was perhaps another primary's clock. */
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
