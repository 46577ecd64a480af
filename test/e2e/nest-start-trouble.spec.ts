import { beforeEach, describe, expect, it } from '@jest/globals';
import type { INestApplicationContext } from '@nestjs/common';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { HyperCache, HyperCacheModule, type HyperCacheOptions } from 'nestjs-hypercache';
import { quarantine } from '../../lib/sqlite/open-connection.js';
import { useNestApps } from '../support/nest-apps.js';
import { overwritePages, runSql } from '../support/sabotage.js';

const apps = useNestApps();
let directory = '';
let file = '';
let log: string[] = [];
beforeEach(() => {
  directory = apps.directory();
  file = join(directory, 'hypercache.sqlite');
  log = [];
});

function start(options: HyperCacheOptions = {}): Promise<INestApplicationContext> {
  const logger = {
    log: (line: string) => void (line.startsWith('This node is') || log.push(`log ${line}`)),
    warn: (line: string) => void log.push(`warn ${line}`),
    error: (line: string) => void log.push(`error ${line}`),
  };
  return apps.context({
    imports: [HyperCacheModule.forRoot({ sqlitePath: directory, logger, ...options })],
  });
}

/** A file of ours with some entries, closed. */
async function writeSome(): Promise<void> {
  const app = await start();
  const cache = app.get(HyperCache);
  const keys = Array.from({ length: 200 }, (_, i) => `key:${i}`);
  await cache.mset(keys.map((key) => ({ key, value: 'x'.repeat(500), tags: ['tag'] })));
  await app.close();
}

async function expectUsable(app: INestApplicationContext): Promise<void> {
  const cache = app.get(HyperCache);
  await expect(cache.get('key:1')).resolves.toBeUndefined();
  await cache.set('new', 'value', { tags: ['tag'] });
  await app.close();
  const again = (await start()).get(HyperCache);
  await expect(again.get('new')).resolves.toBe('value');
}

describe('a directory that cannot be used', () => {
  it.each([
    ['lies under a regular file', 'file/below', 'file'],
    ['is a regular file', 'file', 'file'],
    ['holds a directory in the place of the file', 'taken', 'taken/hypercache.sqlite'],
  ])('that %s is refused with its path and the option to change', async (_what, path, named) => {
    writeFileSync(join(directory, 'file'), 'text');
    mkdirSync(join(directory, 'taken', 'hypercache.sqlite'), { recursive: true });

    await expect(start({ sqlitePath: join(directory, path) })).rejects.toMatchObject({
      name: 'StorageOpenError',
      code: 'HC_STORAGE_OPEN',
      message: expect.stringContaining(join(directory, named)),
      hint: expect.stringMatching(/sqlitePath.*HYPERCACHE_SQLITE_PATH/),
    });
    expect(readFileSync(join(directory, 'file'), 'utf8')).toBe('text');
  });

  it('is created, with those above it, when it is missing', async () => {
    const path = join(directory, 'a', 'b', 'c');

    await start({ sqlitePath: path });

    expect(existsSync(join(path, 'hypercache.sqlite'))).toBe(true);
  });
});

describe('a file that is damaged', () => {
  it.each<[string, () => void | Promise<void>]>([
    ['some text', () => writeFileSync(file, 'this is no database, but a letter to a friend')],
    ['4096 bytes of text', () => writeFileSync(file, 'text'.repeat(1024))],
    ['zeros', () => writeFileSync(file, Buffer.alloc(8192))],
    [
      'ours, with its header overwritten',
      async () => {
        await writeSome();
        overwritePages(file, 1);
      },
    ],
    [
      'ours, with everything but its header overwritten',
      async () => {
        await writeSome();
        overwritePages(file, 2);
      },
    ],
    [
      'ours, cut off in the middle',
      async () => {
        await writeSome();
        truncateSync(file, 8192 + 100);
      },
    ],
  ])('(%s) is put aside, and an empty one is begun', async (_what, damage) => {
    await damage();
    const damaged = readFileSync(file);

    const app = await start();

    const [quarantined, ...more] = readdirSync(directory).filter((name) =>
      /^hypercache\.sqlite\.corrupt-\d+$/.test(name),
    );
    expect(more).toEqual([]);
    expect(readFileSync(join(directory, String(quarantined))).equals(damaged)).toBe(true);
    expect(log).toEqual([
      expect.stringMatching(`^warn .*corrupt.*${directory}/${String(quarantined)}`),
    ]);
    await expectUsable(app);
  });

  it('leaves no -wal and no -shm that would be applied to the new one', async () => {
    writeFileSync(file, 'no database '.repeat(1000));
    writeFileSync(`${file}-wal`, 'its wal');
    writeFileSync(`${file}-shm`, 'its shm');

    const app = await start();

    for (const suffix of ['-wal', '-shm']) {
      expect(readFileSync(file + suffix, 'latin1')).not.toContain('its');
    }
    await expectUsable(app);
  });

  it('is moved as one set with its -wal and -shm', () => {
    for (const suffix of ['', '-wal', '-shm']) writeFileSync(file + suffix, `content${suffix}`);

    const moved = quarantine(file, 42);

    expect(moved).toBe(`${file}.corrupt-42`);
    expect(readdirSync(directory).toSorted()).toEqual([
      'hypercache.sqlite.corrupt-42',
      'hypercache.sqlite.corrupt-42-shm',
      'hypercache.sqlite.corrupt-42-wal',
    ]);
    for (const suffix of ['', '-wal', '-shm']) {
      expect(readFileSync(moved + suffix, 'utf8')).toBe(`content${suffix}`);
    }
  });

  it('does not take the place of one that was put aside before', async () => {
    writeFileSync(file, 'first');
    await (await start()).close();
    writeFileSync(file, 'second');
    await (await start()).close();

    const contents = readdirSync(directory)
      .filter((name) => /\.corrupt-\d+$/.test(name))
      .map((name) => readFileSync(join(directory, name), 'utf8'));

    expect(contents.toSorted()).toEqual(['first', 'second']);
  });

  it('begins a new history', async () => {
    await writeSome();
    const first = await start();
    const { historyId } = await first.get(HyperCache).stats();
    await first.close();
    overwritePages(file, 1);

    const second = await start();

    const { historyId: newHistoryId } = await second.get(HyperCache).stats();
    expect(newHistoryId).not.toBe(historyId);
  });

  it.each(['', 'x'])('is no matter of one that holds %j, which is simply used', async (text) => {
    writeFileSync(file, text);

    const app = await start();

    expect(log).toEqual([]);
    expect(readdirSync(directory).filter((name) => name.includes('corrupt'))).toEqual([]);
    await expectUsable(app);
  });

  it('is no matter of a leftover -wal of another file: its frames are not applied', async () => {
    await writeSome();
    writeFileSync(`${file}-wal`, 'x'.repeat(4096 + 56));

    const app = await start();

    await expect(app.get(HyperCache).get('key:1')).resolves.toBe('x'.repeat(500));
  });
});

describe('a database of another program', () => {
  it.each([
    ['with tables and no application id', ['CREATE TABLE users (name TEXT)']],
    ['with an application id', ['PRAGMA application_id = 42', 'CREATE TABLE users (name TEXT)']],
    ['in WAL mode', ['PRAGMA journal_mode = WAL', 'CREATE TABLE users (name TEXT)']],
  ])('%s is refused and left as it is', async (_what, statements) => {
    runSql(file, ...statements, `INSERT INTO users VALUES ('Ada')`);
    const before = readFileSync(file);

    await expect(start()).rejects.toMatchObject({
      name: 'ForeignFileError',
      code: 'HC_STORAGE_FOREIGN',
      message: expect.stringContaining(file),
      hint: expect.stringContaining('sqlitePath'),
    });

    expect(readFileSync(file).equals(before)).toBe(true);
    expect(readdirSync(directory)).toEqual(['hypercache.sqlite']);
  });
});

describe('a file of a newer schema', () => {
  it('is refused, naming both versions, and works again with the release that wrote it', async () => {
    await writeSome();
    const copy = join(directory, 'copy');
    copyFileSync(file, copy);
    runSql(file, 'PRAGMA user_version = 999');

    await expect(start()).rejects.toMatchObject({
      name: 'NewerSchemaError',
      code: 'HC_SCHEMA_NEWER',
      message: expect.stringMatching(/schema 999.* schemas up to \d+/),
      hint: expect.stringContaining('nestjs-hypercache'),
    });

    copyFileSync(copy, file);
    const app = await start();
    await expect(app.get(HyperCache).get('key:1')).resolves.toBe('x'.repeat(500));
    expect(log).toEqual([]);
  });
});
