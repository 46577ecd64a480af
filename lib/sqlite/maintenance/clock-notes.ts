import type { MaintenanceTask } from '../../common/maintenance-task.js';
import type { SteadyClock } from '../../common/steady-clock.js';
import { IdentityMetaKey } from '../file-identity.js';
import type { Storage } from '../storage.js';

/**
 * Records in the file that the wall clock was set, so that processes that open the file later use the same clock.
 *
 * @internal
 */
export class ClockKeeper implements MaintenanceTask {
  #noted = 0;

  constructor(
    private readonly storage: Storage,
    private readonly clock: SteadyClock,
  ) {}

  step(): boolean {
    const note = JSON.stringify(this.clock.note());
    if (this.clock.steps === this.#noted) return false;
    this.storage.transaction(() => this.storage.writeMeta(IdentityMetaKey.Clock, note));
    this.#noted = this.clock.steps;
    return false;
  }
}
