import { link, open, rename, rm } from 'node:fs/promises';
import { errnoOf } from './errno.js';

/** Of a file while it is made: no other user of the host reads it. */
const OWNER_ONLY = 0o600;

/** Makes an empty file, and follows no link. @throws the error of the file system, `EEXIST` among them @internal */
export async function reserveFile(path: string): Promise<void> {
  const file = await open(path, 'wx', OWNER_ONLY);
  await file.close();
}

/**
 * Gives a complete file its name, which a rename would take from another file.
 *
 * @returns false when the name is taken: the file keeps its own
 * @throws the error of the file system
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

/** On a file system without hard links: the name is taken first, and the file put in place of what took it. */
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
