import { chmodSync, closeSync, fchmodSync, mkdirSync, openSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { errnoOf } from '../common/errno.js';

/** Only the owner reads and writes. */
const OWNER_ONLY = 0o600;

/** What SQLite takes for no file. */
const IN_MEMORY = ':memory:';

const modes = new Map<string, number>();

/**
 * Says with which permissions this process makes files in a directory; in others only their owner may read and write them.
 *
 * @internal
 */
export function setFileMode(directory: string, mode: number): void {
  modes.set(resolve(directory), mode);
}

/** Makes a directory, if it is missing, which those enter that may read its files. @internal */
export function makeDirectory(path: string): void {
  const mode = modeIn(path);
  mkdirSync(dirname(path), { recursive: true });
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return;
    throw error;
  }
  // What may be read may be entered.
  permit(() => chmodSync(path, mode | ((mode & 0o444) >> 2)));
}

/**
 * Makes a file, if it is missing, before SQLite would make it with the permissions of the process's mask. One that exists
 * is not touched: closing it would end the locks that this process has on it.
 *
 * @internal
 */
export function makeFile(path: string): void {
  if (path === IN_MEMORY) return;
  let file: number;
  try {
    file = openSync(path, 'wx', OWNER_ONLY);
  } catch {
    // It exists; or SQLite says what is wrong with its directory.
    return;
  }
  try {
    permit(() => fchmodSync(file, modeIn(dirname(path))));
  } finally {
    closeSync(file);
  }
}

/** After it was made for the owner alone: what makes it leaves out what the process's mask says. */
function permit(change: () => void): void {
  try {
    change();
  } catch (error) {
    // A file system without permissions has none to give.
    if (errnoOf(error) !== 'EPERM' && errnoOf(error) !== 'ENOTSUP') throw error;
  }
}

function modeIn(directory: string): number {
  return modes.get(resolve(directory)) ?? OWNER_ONLY;
}
