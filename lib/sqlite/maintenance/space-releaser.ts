import type { Clock } from '../../common/clock.js';
import type { Storage } from '../storage.js';
import type { MaintenanceTask } from '../../common/maintenance-task.js';
import { AdaptiveBatch } from './adaptive-batch.js';

/** Free space below which the file keeps what it has, for the writes to come. */
const KEPT_BYTES = 4 * 1024 * 1024;
const KEPT_SHARE = 0.1;
/** Given back in one step: each page that is in use is moved to a free place before. */
const MIN_STEP_PAGES = 16;
const MAX_STEP_PAGES = 512;

/**
 * Gives the space of removed entries back to the file system, step by step.
 *
 * @internal
 */
export class SpaceReleaser implements MaintenanceTask {
  #isReleasing = false;

  readonly #batch: AdaptiveBatch;

  constructor(
    private readonly storage: Storage,
    clock: Pick<Clock, 'monotonic'>,
  ) {
    this.#batch = new AdaptiveBatch(clock, MIN_STEP_PAGES, MAX_STEP_PAGES);
  }

  step(): boolean {
    const { usedBytes, fileBytes } = this.storage.size();
    const free = fileBytes - usedBytes;
    const kept = Math.max(KEPT_BYTES, fileBytes * KEPT_SHARE);
    // Begun only for twice what is kept, so that a cache at its bound does not shrink and grow in turn.
    if (!this.#isReleasing && free < 2 * kept) return false;
    this.#isReleasing = free > kept;
    if (this.#isReleasing) {
      this.#batch.run((pages) => {
        this.storage.release(pages);
        return pages;
      });
    }
    return this.#isReleasing;
  }
}
