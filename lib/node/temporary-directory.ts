import { existsSync, readdirSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BackupFailedError } from '../common/errors.js';
import { FileLock } from '../sqlite/file-lock.js';
import { isBusy } from '../sqlite/sqlite-error.js';

const PREFIX = 'temporary-';

/** Who uses one shares the lock, who removes what was left has it alone. It ends with its process. */
const LOCK_FILE_NAME = 'hypercache.temporary';

/** How long one waits for a process that removes what was left, in ms. */
const REMOVAL_TIMEOUT_MS = 1000;

/**
 * Calls `work` with a path in a directory of its own beside the database, which goes when it is done.
 *
 * @throws {HC_BACKUP_FAILED} when it cannot be told from what was left
 * @internal
 */
export async function withTemporaryDirectory(
  parent: string,
  work: (path: string) => Promise<void>,
): Promise<void> {
  const lock = lockOf(parent);
  await share(lock);
  try {
    const directory = await mkdtemp(join(parent, PREFIX));
    try {
      await work(join(directory, 'hypercache.sqlite'));
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  } finally {
    lock.release();
  }
}

/**
 * Removes what processes have left that were killed meanwhile, unless one that runs uses a directory of the kind: then it is
 * left to a later start.
 *
 * @internal
 */
export function removeTemporaries(parent: string): void {
  const find = (): string[] => readdirSync(parent).filter((name) => name.startsWith(PREFIX));
  if (!existsSync(parent) || find().length === 0) return;
  const lock = lockOf(parent);
  if (!lock.tryAcquire()) return;
  try {
    for (const name of find()) rmSync(join(parent, name), { recursive: true, force: true });
  } finally {
    lock.release();
  }
}

async function share(lock: FileLock): Promise<void> {
  try {
    await lock.share({ timeoutMs: REMOVAL_TIMEOUT_MS });
  } catch (error) {
    if (!isBusy(error)) throw error;
    throw new BackupFailedError(
      'Another process removes what earlier backups have left.',
      'Try again.',
      { cause: error },
    );
  }
}

function lockOf(parent: string): FileLock {
  return new FileLock(join(parent, LOCK_FILE_NAME));
}
