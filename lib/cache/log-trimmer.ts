import type { Clock } from '../common/clock.js';
import type { Storage } from '../storage/storage.js';
import type { MaintenanceTask } from '../common/maintenance-task.js';

const TRIM_ROWS = 2000;
const MARK_INTERVAL_MS = 10_000;

/**
 * Holds the change log within its bounds of entries and age.
 *
 * @internal
 */
export class LogTrimmer implements MaintenanceTask {
  #markedAt = 0;
  #markedRevision = -1;

  constructor(
    private readonly storage: Storage,
    private readonly clock: Clock,
    private readonly maxEntries: number,
    private readonly maxAgeMs: number,
  ) {}

  step(): boolean {
    const { storage } = this;
    const now = this.clock.now();
    return storage.transaction(() => {
      if (storage.revision !== this.#markedRevision && now - this.#markedAt >= MARK_INTERVAL_MS) {
        storage.changes.mark(storage.revision, now);
        this.#markedAt = now;
        this.#markedRevision = storage.revision;
      }
      const byCount = storage.revision - this.maxEntries;
      const byAge = storage.changes.headAt(now - this.maxAgeMs);
      const last = Math.max(byCount, byAge);
      return (
        last >= storage.changes.oldest() && storage.changes.trim(last, TRIM_ROWS) === TRIM_ROWS
      );
    });
  }
}
