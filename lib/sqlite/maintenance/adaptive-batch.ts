import type { Clock } from '../../common/clock.js';

/** How long a step of background work may hold the event loop, in ms: writes wait behind it. */
const STEP_MS = 0.5;

/**
 * Chooses the number of rows for the next step of background work: as many as fit into its time at the speed of the
 * last step.
 *
 * @internal
 */
export class AdaptiveBatch {
  #rows: number;

  constructor(
    private readonly clock: Pick<Clock, 'monotonic'>,
    private readonly min: number,
    private readonly max: number,
  ) {
    this.#rows = min;
  }

  /** @param step processes at least this many rows, and returns how many there were; fewer rows do not change the estimate */
  run(step: (limit: number) => number): number {
    const start = this.clock.monotonic();
    const limit = this.#rows;
    const count = step(limit);
    if (count >= limit) {
      const factor = STEP_MS / (this.clock.monotonic() - start);
      const rows = Math.floor(limit * Math.min(2, Math.max(1 / 4, factor)));
      this.#rows = Math.min(this.max, Math.max(this.min, rows));
    }
    return count;
  }
}
