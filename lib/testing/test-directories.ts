import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file system in memory, on Linux. */
const SHARED_MEMORY = '/dev/shm';

const made = new Set<string>();

/** Creates a directory, in memory if possible. @internal */
export function makeDirectory(): string {
  const directory = mkdtempSync(join(parent(), 'hypercache-app-'));
  if (made.size === 0) process.once('exit', removeAll);
  made.add(directory);
  return directory;
}

/** @internal */
export function removeDirectory(directory: string): void {
  made.delete(directory);
  if (made.size === 0) process.removeListener('exit', removeAll);
  rmSync(directory, { recursive: true, force: true });
}

/** Removes the directories of applications that a test has not closed. */
function removeAll(): void {
  for (const directory of made) rmSync(directory, { recursive: true, force: true });
}

function parent(): string {
  try {
    accessSync(SHARED_MEMORY, constants.W_OK);
    return SHARED_MEMORY;
  } catch {
    return tmpdir();
  }
}
