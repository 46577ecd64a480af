import type { Random } from './random.js';

/** So many doublings exceed every bound. */
const MAX_DOUBLINGS = 30;

/**
 * Pauses between attempts that fail: random, up to a bound that doubles with each (full jitter; Brooker, "Exponential
 * Backoff And Jitter", AWS 2015).
 *
 * @internal
 */
export class Backoff {
  #failures = 0;

  constructor(
    private readonly random: Random,
    /** Bound of the first pause, in ms. */
    private readonly firstMs: number,
    /** Bound of all, in ms. */
    private readonly lastMs: number,
  ) {}

  /** Attempts that have failed since the last one that has not. */
  get failures(): number {
    return this.#failures;
  }

  /** An attempt has failed; returns the ms until the next one. */
  next(): number {
    const most = this.firstMs * 2 ** Math.min(this.#failures++, MAX_DOUBLINGS);
    const share = Number.parseInt(this.random.hex(4), 16) / 2 ** 32;
    return Math.min(this.lastMs, most) * share;
  }

  reset(): void {
    this.#failures = 0;
  }
}
