import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock, type Clock } from '../common/clock.js';
import { StorageOpenError } from '../common/errors.js';
import { systemRandom, type Random } from '../common/random.js';
import { assertUnused } from '../sqlite/assert-unused.js';
import { FILE_NAME, Storage } from '../sqlite/storage.js';

/** The environment that tests give to a command. @internal */
export interface CommandEnvironment {
  readonly clock?: Clock;
  readonly random?: Random;
}

/**
 * Works on the file of a stopped node.
 *
 * @param directory its `sqlitePath`
 * @throws {HC_STORAGE_OPEN | HC_FILE_IN_USE | HC_STORAGE_FOREIGN | HC_SCHEMA_NEWER} and the error that the work throws
 * @internal
 */
export function withStoppedNode<T>(
  directory: string,
  { clock = systemClock, random = systemRandom }: CommandEnvironment,
  work: (storage: Storage) => T,
): T {
  const path = existingFile(directory);
  assertUnused(path);
  const storage = new Storage({
    path,
    fullSync: true,
    clock,
    random,
  });
  storage.open();
  try {
    return work(storage);
  } finally {
    storage.close();
  }
}

/**
 * Reads the file of a node, running or stopped, and changes nothing.
 *
 * @throws {HC_STORAGE_OPEN | HC_STORAGE_FOREIGN | HC_SCHEMA_NEWER}
 * @internal
 */
export function withFileOf<T>(directory: string, work: (storage: Storage) => T): T {
  const storage = new Storage({
    path: existingFile(directory),
    fullSync: false,
    clock: systemClock,
    random: systemRandom,
    isReadOnly: true,
  });
  storage.open();
  try {
    return work(storage);
  } finally {
    storage.close();
  }
}

/** @throws {HC_STORAGE_OPEN} @internal */
export function existingFile(directory: string): string {
  const path = join(directory, FILE_NAME);
  if (existsSync(path)) return path;
  throw new StorageOpenError(
    `There is no ${path}.`,
    'Give --path the directory that is the sqlitePath of the node.',
  );
}
