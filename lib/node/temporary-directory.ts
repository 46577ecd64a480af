import { existsSync, readdirSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BackupFailedError } from '../common/errors.js';
import { FileLock } from '../sqlite/file-lock.js';
import { isBusy } from '../sqlite/sqlite-error.js';

const PREFIX = 'temporary-';

/**
 * Users of a temporary directory share the lock; a process that removes leftovers holds it alone. The lock ends with its
 * process.
 */
const LOCK_FILE_NAME = 'hypercache.temporary';

/** How long to wait for a process that removes leftovers, in ms. */
const REMOVAL_TIMEOUT_MS = 1000;

/**
 * Calls `work` with a path in a new directory next to the database, and removes that directory afterwards.
 *
 * @throws {HC_BACKUP_FAILED} when another process removes leftovers for too long, and could remove this directory too
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
 * Removes what killed processes have left, unless a running process uses such a directory: then a later start removes it.
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
      'Another process is removing what earlier backups have left.',
      'Try again.',
      { cause: error },
    );
  }
}

function lockOf(parent: string): FileLock {
  return new FileLock(join(parent, LOCK_FILE_NAME));
}
