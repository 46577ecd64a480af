import type { Random } from './random.js';

/** This many doublings exceed every bound. */
const MAX_DOUBLINGS = 30;

/**
 * Random pauses between attempts that fail. The bound of a pause doubles with each failure (full jitter; Brooker,
 * "Exponential Backoff And Jitter", AWS 2015).
 *
 * @internal
 */
export class Backoff {
  #failures = 0;

  constructor(
    private readonly random: Random,
    /** Bound of the first pause, in ms. */
    private readonly firstMs: number,
    /** Bound of every pause, in ms. */
    private readonly lastMs: number,
  ) {}

  /** How many attempts have failed since the last success. */
  get failures(): number {
    return this.#failures;
  }

  /** Counts a failed attempt; returns the ms until the next one. */
  next(): number {
    const most = this.firstMs * 2 ** Math.min(this.#failures++, MAX_DOUBLINGS);
    const share = Number.parseInt(this.random.hex(4), 16) / 2 ** 32;
    return Math.min(this.lastMs, most) * share;
  }

  reset(): void {
    this.#failures = 0;
  }
}
