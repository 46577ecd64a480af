import type { MaintenanceTask } from '../../common/maintenance-task.js';
import type { SteadyClock } from '../../common/steady-clock.js';
import { IdentityMetaKey } from '../file-identity.js';
import type { Storage } from '../storage.js';

/**
 * Notes in the file that somebody has set the wall clock: processes that open it later go by the same clock.
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
