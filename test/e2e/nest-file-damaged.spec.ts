import { beforeEach, describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import type { HyperCacheOptions } from 'nestjs-hypercache';
import { eventually } from '../support/eventually.js';
import { checkpointFromOutside, overwritePages, runSql } from '../support/sabotage.js';
import { useWatchedApps, type WatchedApp } from '../support/watched-apps.js';

const apps = useWatchedApps();
const { start, expectDurable } = apps;
let file = '';
beforeEach(() => {
  file = apps.file();
});

describe('a file that is damaged while the application runs', () => {
  const KEYS = Array.from({ length: 500 }, (_, i) => `key:${i}`);

  /** An application whose file makes no sense any more from this page on. */
  async function startAndDamage(
    from: number,
    options: HyperCacheOptions = {},
  ): Promise<WatchedApp> {
    // Nobody looks at the file but who reads and writes.
    const quiet = { sweepInterval: 3_600_000, coherenceInterval: 1000 };
    const watched = await start({ l1: false, ...quiet, ...options });
    await watched.cache.mset(KEYS.map((key) => ({ key, value: 'x'.repeat(200) })));
    checkpointFromOutside(file);
    overwritePages(file, from);
    return watched;
  }

  const damages: [string, number][] = [
    ['all pages', 1],
    ['all pages but the first', 2],
  ];

  it.each(damages)('makes reads misses, and a new one is begun: %s', async (_what, from) => {
    const watched = await startAndDamage(from);
    const { cache, manager, errors, recoveries, log } = watched;

    await expect(cache.get('key:1')).resolves.toBeUndefined();
    await expect(cache.mget(KEYS)).resolves.toEqual(KEYS.map(() => undefined));
    await expect(manager.get('key:1')).resolves.toBeUndefined();
    await expect(cache.has('key:1')).resolves.toBe(false);

    expect(recoveries).toEqual([
      { reason: 'corrupt', quarantined: expect.stringMatching(/\.corrupt-\d+$/) },
    ]);
    expect(existsSync(String(recoveries[0]?.quarantined))).toBe(true);
    expect(errors.length).toBeGreaterThanOrEqual(1);
    expect(errors[0]).toMatchObject({
      error: { code: 'HC_STORAGE_FAILED' },
      during: expect.stringContaining('reading'),
    });
    expect(log.at(-1)).toContain(String(recoveries[0]?.quarantined));
    await expectDurable(watched);
  });

  it.each(damages)(
    'fails the writes that meet it loudly, and the next work: %s',
    async (_w, from) => {
      const watched = await startAndDamage(from);
      const { cache, recoveries } = watched;

      const results = await Promise.allSettled([cache.set('a', 1), cache.increment('b')]);

      for (const result of results) {
        expect(result).toMatchObject({ status: 'rejected', reason: { code: 'HC_STORAGE_LOST' } });
      }
      expect(recoveries).toHaveLength(1);
      await expect(cache.get('a')).resolves.toBeUndefined();
      await expectDurable(watched);
    },
  );

  it('is found by the maintenance when nobody reads', async () => {
    const watched = await startAndDamage(2, { sweepInterval: 20 });

    await eventually(() => expect(watched.recoveries).toHaveLength(1));

    expect(watched.recoveries).toMatchObject([{ reason: 'corrupt' }]);
    await expectDurable(watched);
  });

  it('ends a listing of keys with a typed error, not as if it were complete', async () => {
    const { cache } = await startAndDamage(2);

    const listing = async (): Promise<void> => {
      for await (const _key of cache.keys());
    };

    await expect(listing()).rejects.toMatchObject({ code: 'HC_STORAGE_FAILED' });
  });

  it('is no matter for what L1 holds until it is noticed', async () => {
    const { cache, recoveries } = await startAndDamage(2, { l1: { maxEntries: 10_000 } });

    await expect(cache.get('key:1')).resolves.toBe('x'.repeat(200));
    expect(recoveries).toEqual([]);
  });

  it('empties L1 too when it is noticed: a new history begins in both', async () => {
    const { cache, recoveries } = await startAndDamage(2, { l1: { maxEntries: 10_000 } });

    await expect(cache.get('not in L1')).resolves.toBeUndefined();

    expect(recoveries).toHaveLength(1);
    await expect(cache.mget(KEYS)).resolves.toEqual(KEYS.map(() => undefined));
  });

  it('keeps wrap serving what the factory makes', async () => {
    const { cache } = await startAndDamage(2);

    await expect(cache.wrap('key:1', () => 'made')).resolves.toBe('made');
    await expect(cache.wrap('key:1', () => 'made again')).resolves.toMatch(/^made/);
  });

  it('does not keep the application from closing before it is noticed', async () => {
    const { app } = await startAndDamage(2);

    await app.close();

    await expectDurable(await start());
  });
});

describe('a single value that is damaged', () => {
  it.each([
    ['bytes that mean nothing', `x'c1c1c1'`],
    ['bytes that end too early', `x'd94a'`],
    ['no bytes', `x''`],
  ])('(%s) is a miss and an event, and the others are read', async (_what, sql) => {
    const { cache, manager, errors } = await start({ l1: false });
    await cache.set('bad', { value: 1 });
    await cache.set('good', { value: 2 });
    runSql(file, `UPDATE entries SET value = ${sql} WHERE key = 'bad'`);

    await expect(cache.get('bad')).resolves.toBeUndefined();
    await expect(manager.get('bad')).resolves.toBeUndefined();
    await expect(cache.mget(['bad', 'good'])).resolves.toEqual([undefined, { value: 2 }]);
    await expect(cache.wrap('bad', () => 'made')).resolves.toBe('made');
    expect(errors[0]).toMatchObject({ error: { code: 'HC_VALUE_UNREADABLE' } });
  });

  it('is no trap for pull and for listings', async () => {
    const { cache, manager } = await start({ l1: false });
    await cache.set('bad', { value: 1 });
    await cache.set('good', { value: 2 });
    runSql(file, `UPDATE entries SET value = x'c1c1c1' WHERE key = 'bad'`);

    const [pulled, written] = await Promise.allSettled([cache.pull('bad'), cache.set('other', 1)]);
    const listing = async (): Promise<unknown[]> => {
      const found: unknown[] = [];
      for await (const [key] of manager.stores[0]?.iterator?.({}) ?? []) found.push(key);
      return found;
    };

    expect(written).toMatchObject({ status: 'fulfilled' });
    if (pulled.status === 'fulfilled') expect(pulled.value).toBeUndefined();
    else expect(pulled.reason).toMatchObject({ code: 'HC_VALUE_UNREADABLE' });
    await expect(listing()).resolves.toEqual(expect.arrayContaining(['good', 'other']));
  });

  it('can be overwritten', async () => {
    const { cache } = await start({ l1: false });
    await cache.set('bad', { value: 1 });
    runSql(file, `UPDATE entries SET value = x'c1c1c1' WHERE key = 'bad'`);

    await cache.set('bad', 'good again');

    await expect(cache.get('bad')).resolves.toBe('good again');
  });
});
