import { beforeEach, describe, expect, it } from '@jest/globals';
import { existsSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../support/eventually.js';
import { runSql } from '../support/sabotage.js';
import { useWatchedApps } from '../support/watched-apps.js';

const apps = useWatchedApps();
const { start, expectDurable } = apps;
let directory = '';
let file = '';
beforeEach(() => {
  directory = apps.directory();
  file = apps.file();
});

describe('a file that is gone while the application runs', () => {
  it.each<[string, () => void]>([
    [
      'deleted',
      () => {
        for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true });
      },
    ],
    ['deleted without its -wal', () => rmSync(file)],
    ['deleted with its directory', () => rmSync(directory, { recursive: true })],
    ['renamed', () => renameSync(file, `${file}.backup`)],
    [
      'replaced by an empty one',
      () => {
        writeFileSync(join(directory, 'other'), '');
        renameSync(join(directory, 'other'), file);
      },
    ],
  ])('(%s) is noticed, told, and a new one is begun', async (_how, remove) => {
    const watched = await start();
    const { cache, errors, recoveries, log } = watched;
    await cache.set('before', 'value');
    const { historyId, revision } = await cache.stats();

    remove();
    await eventually(() => expect(recoveries).toHaveLength(1));

    expect(recoveries).toEqual([{ reason: 'unlinked', quarantined: undefined }]);
    expect(errors).toMatchObject([
      { error: { code: 'HC_STORAGE_LOST' }, during: expect.stringContaining('file') },
    ]);
    expect(log).toEqual([
      expect.stringMatching(/^HC_STORAGE_LOST.*deleted or replaced/),
      expect.stringContaining('an empty one was begun'),
    ]);
    await expect(cache.get('before')).resolves.toBeUndefined();
    const stats = await cache.stats();
    expect(stats.historyId).not.toBe(historyId);
    expect(stats.revision).toBeGreaterThanOrEqual(revision);
    expect(stats.incidents).toBe(1);
    expect(existsSync(file)).toBe(true);
    await expectDurable(watched);
  });

  it('is told once for each time', async () => {
    const watched = await start();

    for (let times = 1; times <= 3; times++) {
      rmSync(file);
      await eventually(() => expect(watched.recoveries).toHaveLength(times));
    }

    expect(watched.errors).toHaveLength(3);
    await expectDurable(watched);
  });

  it.each<[string, string, () => void, () => void]>([
    [
      'a database of another program stands in its place',
      'HC_STORAGE_FOREIGN',
      () => {
        runSql(join(directory, 'other'), 'CREATE TABLE users (name TEXT)');
        renameSync(join(directory, 'other'), file);
      },
      () => rmSync(file),
    ],
    [
      'its directory cannot be made',
      'HC_STORAGE_OPEN',
      () => {
        rmSync(directory, { recursive: true });
        writeFileSync(directory, 'in the way');
      },
      () => rmSync(directory),
    ],
  ])(
    'fails writes with the reason while %s, serves misses, and recovers by itself',
    async (_what, code, block, unblock) => {
      const watched = await start({ l1: false });
      const { cache, errors, recoveries } = watched;
      await cache.set('before', 'value');

      block();
      await eventually(() => {
        expect(errors.map(({ error }) => error.code)).toContain(code);
      });

      expect(recoveries).toEqual([]);
      await expect(cache.get('before')).resolves.toBeUndefined();
      await expect(cache.wrap('key', () => 'made')).resolves.toBe('made');
      await expect(cache.set('key', 1)).rejects.toMatchObject({ code });
      await expect(cache.increment('key')).rejects.toMatchObject({ code });
      await expect(cache.stats()).rejects.toMatchObject({ code });

      unblock();
      await eventually(() => expect(recoveries).toHaveLength(1));

      await expectDurable(watched);
    },
  );

  it('can be closed while no new one can be begun, and started again later', async () => {
    const { app, errors } = await start();
    rmSync(directory, { recursive: true });
    writeFileSync(directory, 'in the way');
    await eventually(() => {
      expect(errors.map(({ error }) => error.code)).toContain('HC_STORAGE_OPEN');
    });

    await app.close();
    rmSync(directory);

    await expectDurable(await start());
  });

  it('does not keep the application from closing before it is noticed', async () => {
    const { app, cache } = await start({ sweepInterval: 3_600_000 });
    await cache.set('before', 'value');
    rmSync(directory, { recursive: true });

    await app.close();
    await app.close();
  });
});

describe('a directory that is full of other things', () => {
  it('keeps them', async () => {
    writeFileSync(join(directory, 'notes.txt'), 'mine');
    const { app, cache } = await start();
    await cache.clear();
    await app.close();

    expect(readdirSync(directory).toSorted()).toEqual(['hypercache.sqlite', 'notes.txt']);
  });
});
