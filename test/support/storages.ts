import { afterEach } from '@jest/globals';
import Database from 'better-sqlite3';
import { join } from 'node:path';
import { CommandExecutor, isFailure } from '../../lib/sqlite/commands/command-executor.js';
import type { Command, CommandOf } from '../../lib/engine/command.js';
import type { ResultOf } from '../../lib/engine/command-result.js';
import type { Clock } from '../../lib/common/clock.js';
import { systemRandom, type Random } from '../../lib/common/random.js';
import { Storage } from '../../lib/sqlite/storage.js';
import { ManualClock } from './manual-clock.js';
import { useTemporaryDirectories } from './temporary-directory.js';

export const FILE_NAME = 'hypercache.sqlite';

export interface OpenedStorage {
  readonly storage: Storage;
  readonly clock: Clock;
  /** Runs one command in a transaction of its own; a refusal is thrown. */
  run<K extends Command['kind']>(command: CommandOf<K>): ResultOf[K];
}

interface StorageSettings {
  readonly directory?: string;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** A function that opens a storage, in a directory of its own unless told; closed after the test. */
export function useStorages(): (settings?: StorageSettings) => OpenedStorage {
  const opened: Storage[] = [];
  // Jest runs these hooks in order: the storages are closed before their directories go.
  afterEach(() => {
    for (const storage of opened.splice(0)) storage.close();
  });
  const directory = useTemporaryDirectories();
  return (settings = {}) => {
    const { clock = new ManualClock(), random = systemRandom } = settings;
    const storage = new Storage({
      path: join(settings.directory ?? directory(), FILE_NAME),
      fullSync: false,
      clock,
      random,
    });
    opened.push(storage);
    storage.open();
    const executor = new CommandExecutor(storage, clock);
    const run = <K extends Command['kind']>(command: CommandOf<K>): ResultOf[K] => {
      const [outcome] = executor.write([command]);
      if (outcome === undefined || isFailure(outcome)) throw outcome;
      return outcome as ResultOf[K];
    };
    return { storage, clock, run };
  };
}

/** A function that opens a second connection on a database file, as another program would; closed after the test. */
export function useDatabases(): (path: string) => Database.Database {
  const opened: Database.Database[] = [];
  afterEach(() => {
    for (const database of opened.splice(0)) database.close();
  });
  return (path) => {
    const database = new Database(path);
    opened.push(database);
    return database;
  };
}
