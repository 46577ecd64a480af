import { describe, expect, it } from '@jest/globals';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ManualClock } from '../../support/manual-clock.js';
import { FILE_NAME, useDatabases, useStorages } from '../../support/storages.js';
import { useTemporaryDirectories } from '../../support/temporary-directory.js';

const JUNK = Buffer.from('this is no database at all, whatever its name says. '.repeat(200));

describe('opening', () => {
  const openStorage = useStorages();
  const openDatabase = useDatabases();
  const newDirectory = useTemporaryDirectories();

  function refusal(directory: string): unknown {
    try {
      openStorage({ directory });
      return undefined;
    } catch (error) {
      return error;
    }
  }

  it('a file of a newer schema says to install the newer version, and leaves the file alone', () => {
    const directory = newDirectory();
    const { storage } = openStorage({ directory });
    storage.close();
    const other = openDatabase(storage.path);
    const version = Number(other.pragma('user_version', { simple: true }));
    other.pragma(`user_version = ${version + 1}`);
    other.close();
    expect(refusal(directory)).toMatchObject({
      code: 'HC_SCHEMA_NEWER',
      message: expect.stringContaining(`has schema ${version + 1}`),
    });
    expect(readdirSync(directory)).toEqual([FILE_NAME]);
  });

  it('the database of another program refuses to touch it', () => {
    const directory = newDirectory();
    const other = openDatabase(join(directory, FILE_NAME));
    other.exec('CREATE TABLE theirs (a)');
    other.close();
    expect(refusal(directory)).toMatchObject({ code: 'HC_STORAGE_FOREIGN' });
    const again = openDatabase(join(directory, FILE_NAME));
    expect(again.prepare('SELECT name FROM sqlite_schema').pluck().all()).toEqual(['theirs']);
  });

  it('an empty file makes a cache of it', () => {
    const directory = newDirectory();
    writeFileSync(join(directory, FILE_NAME), '');
    expect(openStorage({ directory }).storage.epoch).toBe(1);
  });

  it('a file that is no database puts it aside, whole, and begins a new one', () => {
    const directory = newDirectory();
    const path = join(directory, FILE_NAME);
    for (const suffix of ['', '-wal', '-shm']) writeFileSync(path + suffix, JUNK);
    const clock = new ManualClock();
    const { storage } = openStorage({ directory, clock });
    const aside = `${path}.corrupt-${clock.now()}`;
    expect(storage.quarantined).toBe(aside);
    expect(readFileSync(aside)).toEqual(JUNK);
    expect(storage).toMatchObject({ epoch: 1, revision: 0 });
  });

  it('a file that was damaged inside puts it aside too', () => {
    const directory = newDirectory();
    const { storage, run } = openStorage({ directory });
    for (let i = 0; i < 50; i++) {
      run({
        kind: 'set',
        namespace: 'n',
        key: `k${i}`,
        value: Buffer.alloc(5000),
        expiresAt: Infinity,
        tags: [],
      });
    }
    const { historyId } = storage;
    storage.close();
    const bytes = readFileSync(storage.path);
    bytes.fill(0x5a, 100, 60_000);
    writeFileSync(storage.path, bytes);
    const again = openStorage({ directory }).storage;
    expect(again.quarantined).toMatch(/\.corrupt-\d+$/);
    expect(again.counts.total).toBe(0);
    expect(again.historyId).not.toBe(historyId);
  });

  it.each([
    ['is a file', (path: string) => writeFileSync(path, 'x')],
    ['is below a file', (path: string) => writeFileSync(join(path, '..'), 'x')],
  ])('a directory that %s says so', (name, make) => {
    const parent = join(newDirectory(), 'parent');
    const directory = join(parent, 'directory');
    if (name === 'is a file') mkdirSync(parent);
    make(directory);
    expect(refusal(directory)).toMatchObject({
      code: 'HC_STORAGE_OPEN',
      hint: expect.stringContaining('HYPERCACHE_SQLITE_PATH'),
    });
  });

  it('a file name that is a directory says so', () => {
    const directory = newDirectory();
    mkdirSync(join(directory, FILE_NAME));
    expect(refusal(directory)).toMatchObject({ code: 'HC_STORAGE_OPEN' });
  });

  it('can be tried again after it failed', () => {
    const directory = newDirectory();
    mkdirSync(join(directory, FILE_NAME));
    expect(refusal(directory)).toMatchObject({ code: 'HC_STORAGE_OPEN' });
    expect(refusal(directory)).toMatchObject({ code: 'HC_STORAGE_OPEN' });
  });
});
