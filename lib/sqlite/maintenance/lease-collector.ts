import type { MaintenanceTask } from '../../common/maintenance-task.js';
import type { Clock } from '../../common/clock.js';
import type { Storage } from '../storage.js';

/** Rows that one step looks at. */
const STEP_ROWS = 500;

/** Milliseconds between two steps: nothing is urgent here. */
const STEP_INTERVAL_MS = 1000;

/**
 * Forgets leases whose last holder ended long ago. Until then their rows stay, because of their tokens.
 *
 * @internal
 */
export class LeaseCollector implements MaintenanceTask {
  #lastStep = -Infinity;

  constructor(
    private readonly storage: Storage,
    private readonly clock: Clock,
    /** Milliseconds after its end for which a lease is remembered. */
    private readonly keepMs: number,
  ) {}

  step(): boolean {
    const now = this.clock.monotonic();
    if (now - this.#lastStep < STEP_INTERVAL_MS) return false;
    this.#lastStep = now;
    this.storage.transaction(() => this.storage.leases.collect(now - this.keepMs, STEP_ROWS));
    return false;
  }
}
