import { BackupFailedError } from '../common/errors.js';

/** Each stands on the disk until it was sent, and takes as much room as the node's file. */
const MAX_BACKUPS = 2;

/** How many copies of the node's file are made and sent at once. @internal */
export class BackupLimit {
  #running = 0;

  /** @throws {HC_BACKUP_FAILED} when there are too many, and what the work throws */
  async during(work: () => Promise<void>): Promise<void> {
    if (this.#running === MAX_BACKUPS) {
      throw new BackupFailedError(
        `${MAX_BACKUPS} backups of this node are being made or sent already.`,
        'Wait until one of them has ended.',
      );
    }
    this.#running++;
    try {
      await work();
    } finally {
      this.#running--;
    }
  }
}
