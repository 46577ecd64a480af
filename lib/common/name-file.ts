import { link, open, rename, rm } from 'node:fs/promises';
import { errnoOf } from './errno.js';

/** Permissions of a file while it is made: no other user of the host can read it. */
const OWNER_ONLY = 0o600;

/** Makes an empty file, and does not follow a link. @throws the file system's error, for example `EEXIST` @internal */
export async function reserveFile(path: string): Promise<void> {
  const file = await open(path, 'wx', OWNER_ONLY);
  await file.close();
}

/**
 * Gives a complete file its name. Unlike a rename, it does not take the name from another file.
 *
 * @returns false when the name is taken; the file then keeps its own name
 * @throws the file system's error
 * @internal
 */
export async function nameFile(partial: string, to: string): Promise<boolean> {
  try {
    await link(partial, to);
  } catch (error) {
    return isTaken(error) ? false : nameWithoutLinks(partial, to);
  }
  await rm(partial);
  return true;
}

/** For a file system without hard links: reserves the name with an empty file, then replaces that file. */
async function nameWithoutLinks(partial: string, to: string): Promise<boolean> {
  try {
    await reserveFile(to);
  } catch (error) {
    if (isTaken(error)) return false;
    throw error;
  }
  try {
    await rename(partial, to);
    return true;
  } catch (error) {
    await rm(to, { force: true });
    throw error;
  }
}

function isTaken(error: unknown): boolean {
  return errnoOf(error) === 'EEXIST';
}
