import type { Clock } from '../../common/clock.js';
import type { Storage } from '../storage.js';
import type { MaintenanceTask } from '../../common/maintenance-task.js';
import { AdaptiveBatch } from './adaptive-batch.js';

/** The file keeps this much free space for later writes. */
const KEPT_BYTES = 4 * 1024 * 1024;
const KEPT_SHARE = 0.1;
/** Pages released in one step: each page in use is moved to a free place first. */
const MIN_STEP_PAGES = 16;
const MAX_STEP_PAGES = 512;

/**
 * Releases the space of removed entries to the file system, step by step.
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
    // Start only at twice the kept space, so that a cache at its bound does not alternate between shrinking and
    // growing.
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
