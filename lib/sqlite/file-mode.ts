import { chmodSync, closeSync, fchmodSync, mkdirSync, openSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { errnoOf } from '../common/errno.js';

/** Only the owner may read and write. */
const OWNER_ONLY = 0o600;

/** The path that SQLite does not treat as a file. */
const IN_MEMORY = ':memory:';

const modes = new Map<string, number>();

/**
 * Sets the permissions of the files that this process makes in a directory. In other directories, only the owner may
 * read and write them.
 *
 * @internal
 */
export function setFileMode(directory: string, mode: number): void {
  modes.set(resolve(directory), mode);
}

/** Makes a directory if it is missing; users with the right to read its files may enter it. @internal */
export function makeDirectory(path: string): void {
  const mode = modeIn(path);
  mkdirSync(dirname(path), { recursive: true });
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return;
    throw error;
  }
  // A readable directory must also be searchable.
  permit(() => chmodSync(path, mode | ((mode & 0o444) >> 2)));
}

/**
 * Makes a file if it is missing; SQLite would make it with the permissions of the process's mask. An existing file is
 * not touched: closing it would release the locks that this process has on it.
 *
 * @internal
 */
export function makeFile(path: string): void {
  if (path === IN_MEMORY) return;
  let file: number;
  try {
    file = openSync(path, 'wx', OWNER_ONLY);
  } catch {
    // The file exists, or SQLite reports what is wrong with its directory.
    return;
  }
  try {
    permit(() => fchmodSync(file, modeIn(dirname(path))));
  } finally {
    closeSync(file);
  }
}

/** Changes permissions after the file was made for its owner only, because creation applies the process's mask. */
function permit(change: () => void): void {
  try {
    change();
  } catch (error) {
    // A file system without permissions cannot change them.
    if (errnoOf(error) !== 'EPERM' && errnoOf(error) !== 'ENOTSUP') throw error;
  }
}

function modeIn(directory: string): number {
  return modes.get(resolve(directory)) ?? OWNER_ONLY;
}
