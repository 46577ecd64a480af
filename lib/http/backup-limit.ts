import { BackupFailedError } from '../common/errors.js';

/** Each copy is on the disk until it is sent, and takes as much room as the node's file. */
const MAX_BACKUPS = 2;

/** How many copies of the node's file are made and sent at the same time. @internal */
export class BackupLimit {
  #running = 0;

  /** @throws {HC_BACKUP_FAILED} when there are too many, and what the work throws */
  async during(work: () => Promise<void>): Promise<void> {
    if (this.#running === MAX_BACKUPS) {
      throw new BackupFailedError(
        `${MAX_BACKUPS} backups of this node are already being made or sent.`,
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
