import { describe, expect, it } from '@jest/globals';
import { dirname, join } from 'node:path';
import type { HyperCacheError } from '../../../lib/common/errors.js';
import type { HyperCacheStats } from '../../../lib/node/hyper-cache-node.js';
import type { HyperCacheOptions } from '../../../lib/node/options.js';
import { ManualClock } from '../../support/manual-clock.js';
import { useNodes } from '../../support/nodes.js';
import { FILE_NAME, useDatabases } from '../../support/storages.js';
import { useTemporaryDirectories } from '../../support/temporary-directory.js';

describe('reads of a cache', () => {
  const startNode = useNodes();
  const openDatabase = useDatabases();
  const newDirectory = useTemporaryDirectories();

  async function setUp(options: HyperCacheOptions = {}) {
    const clock = new ManualClock();
    const sqlitePath = newDirectory();
    const node = await startNode({ sqlitePath, ...options }, { clock });
    const incidents: { error: HyperCacheError; during: string }[] = [];
    node.on('error', (incident) => incidents.push(incident));
    return {
      clock,
      node,
      cache: node.cache('n'),
      incidents,
      path: join(sqlitePath, FILE_NAME),
      counters: () => (node.stats() as HyperCacheStats).caches['n'],
    };
  }

  async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
    const all: T[] = [];
    for await (const item of items) all.push(item);
    return all;
  }

  it('come from L2 after a restart, and from L1 the next time', async () => {
    const { node, cache, path } = await setUp();
    await cache.set('k', { n: 1 });
    await node.close();
    const again = await setUp({ sqlitePath: dirname(path) });
    expect(await again.cache.get('k')).toEqual({ n: 1 });
    expect(await again.cache.get('k')).toEqual({ n: 1 });
    expect(await again.cache.get('missing')).toBeUndefined();
    expect(again.counters()).toMatchObject({ l1Hits: 1, l2Hits: 1, misses: 1 });
  });

  it('come from L2 each time when L1 is off', async () => {
    const { cache, counters, node } = await setUp({ l1: false });
    await cache.set('k', 1);
    await cache.get('k');
    await cache.get('k');
    expect(counters()).toMatchObject({ l1Hits: 0, l2Hits: 2 });
    expect(node.stats()).toMatchObject({ l1: { entries: 0, bytes: 0 } });
  });

  it.each([
    ['with L1', undefined],
    ['without L1', false],
  ] as const)('miss once the deadline is reached, and write nothing, %s', async (_name, l1) => {
    const { clock, cache, node } = await setUp({ l1, sweepInterval: 3_600_000 });
    await cache.set('k', 'v', { ttl: 100 });
    clock.advance(99);
    expect([await cache.get('k'), await cache.has('k')]).toEqual(['v', true]);
    expect(await cache.expiresAt('k')).toBe(clock.now() + 1);
    clock.advance(1);
    expect([await cache.get('k'), await cache.has('k')]).toEqual([undefined, false]);
    expect(await cache.find('k')).toBeUndefined();
    expect(await cache.expiresAt('k')).toBeUndefined();
    expect(await cache.getWithRevision('k')).toEqual({ value: undefined, revision: 0 });
    expect(await collect(cache.keys(''))).toEqual([]);
    expect(await collect(cache.entries())).toEqual([]);
    expect(node.stats()).toMatchObject({ revision: 1, l2: { entries: 1 } });
  });

  it('refuse a key that could never have been written', async () => {
    const { cache } = await setUp();
    const INVALID = expect.objectContaining({ code: 'HC_KEY_INVALID' });
    for (const key of ['', '\ud800', 'x'.repeat(1025)]) {
      expect(() => cache.get(key)).toThrow(INVALID);
      expect(() => cache.has(key)).toThrow(INVALID);
      expect(() => cache.find(key)).toThrow(INVALID);
      expect(() => cache.mget(['k', key])).toThrow(INVALID);
    }
  });

  describe('with isolation', () => {
    const given = { list: [{ n: 1 }], at: new Date(1) };

    it.each([undefined, false] as const)("'copy' give each caller its own (l1: %p)", async (l1) => {
      const { cache } = await setUp({ isolation: 'copy', l1 });
      await cache.set('k', given);
      const mine = (await cache.get('k')) as typeof given;
      mine.list.push({ n: 2 });
      mine.at.setTime(2);
      expect(await cache.get('k')).toEqual(given);
    });

    it("'freeze' give all the same frozen object", async () => {
      const { cache } = await setUp({ isolation: 'freeze' });
      await cache.set('k', { list: [{ n: 1 }] });
      const mine = (await cache.get('k')) as { list: { n: number }[] };
      expect(await cache.get('k')).toBe(mine);
      expect(() => mine.list.push({ n: 2 })).toThrow(TypeError);
      expect(() => Object.assign(mine.list[0] ?? {}, { n: 2 })).toThrow(TypeError);
    });

    it("'freeze' give each caller its own of what freezing does not protect", async () => {
      const { cache } = await setUp({ isolation: 'freeze' });
      await cache.set('k', given);
      const mine = (await cache.get('k')) as typeof given;
      mine.at.setTime(2);
      expect(await cache.get('k')).toEqual(given);
    });

    it("'freeze' never freeze what the caller gave", async () => {
      const { cache } = await setUp({ isolation: 'freeze' });
      const own = { list: [1] };
      await cache.set('k', own);
      expect([Object.isFrozen(own), Object.isFrozen(own.list)]).toEqual([false, false]);
      const made = { list: [1] };
      await cache.wrap('wrapped', () => made);
      expect([Object.isFrozen(made), Object.isFrozen(made.list)]).toEqual([false, false]);
    });

    it("'share' give all the same object, which is not the one that was given", async () => {
      const { cache } = await setUp({ isolation: 'share' });
      await cache.set('k', given);
      const shared = await cache.get('k');
      expect(await cache.get('k')).toBe(shared);
      expect(shared).not.toBe(given);
      expect(shared).toEqual(given);
    });
  });

  describe('that fail', () => {
    it('are a miss, an event and a counter, and work again by themselves', async () => {
      const { cache, node, path, incidents, counters } = await setUp({ l1: false });
      await cache.set('k', 'v');
      const other = openDatabase(path);
      other.exec('ALTER TABLE entries RENAME TO gone');
      expect(await cache.get('k')).toBeUndefined();
      expect(await cache.has('k')).toBe(false);
      expect(await cache.mget(['k', 'k'])).toEqual([undefined, undefined]);
      expect(incidents).toHaveLength(4);
      expect(incidents[0]).toMatchObject({
        error: { code: 'HC_STORAGE_FAILED' },
        during: 'reading',
      });
      expect(counters()).toMatchObject({ misses: 3 });
      expect(node.stats()).toMatchObject({ incidents: 4 });
      other.exec('ALTER TABLE gone RENAME TO entries');
      expect(await cache.get('k')).toBe('v');
    });

    it('do not concern what L1 holds', async () => {
      const { cache, path, incidents } = await setUp();
      await cache.set('k', 'v');
      const other = openDatabase(path);
      other.exec('ALTER TABLE entries RENAME TO gone');
      expect(await cache.get('k')).toBe('v');
      expect(incidents).toEqual([]);
      other.exec('ALTER TABLE gone RENAME TO entries');
    });

    it('let wrap call its factory and give its result', async () => {
      const { cache, path, incidents } = await setUp();
      await cache.set('other', 1);
      const other = openDatabase(path);
      other.exec('ALTER TABLE entries RENAME TO gone');
      expect((await cache.wrap('k', () => 'made')).value).toBe('made');
      expect(incidents.map(({ during }) => during)).toContain('storing what a factory made');
      other.exec('ALTER TABLE gone RENAME TO entries');
      expect(await cache.get('k')).toBeUndefined();
    });

    it('because the bytes make no sense are a miss for this key alone', async () => {
      const { cache, path, incidents } = await setUp({ l1: false });
      await cache.set('k', { n: 1 });
      await cache.set('sound', { n: 2 });
      openDatabase(path).exec("UPDATE entries SET value = x'dfffffffff' WHERE key = 'k'");
      expect(await cache.get('k')).toBeUndefined();
      expect(await cache.find('k')).toBeUndefined();
      expect(await cache.get('sound')).toEqual({ n: 2 });
      expect(await collect(cache.entries())).toEqual([['sound', { n: 2 }]]);
      expect(incidents.length).toBeGreaterThanOrEqual(3);
      await cache.set('k', { n: 3 });
      expect(await cache.get('k')).toEqual({ n: 3 });
    });

    it('fail a listing with a typed error, because one that ends early would pass for complete', async () => {
      const { cache, path } = await setUp();
      await cache.set('k', 'v');
      const other = openDatabase(path);
      other.exec('ALTER TABLE entries RENAME TO gone');
      const FAILED = { code: 'HC_STORAGE_FAILED' };
      await expect(collect(cache.keys(''))).rejects.toMatchObject(FAILED);
      await expect(collect(cache.entries())).rejects.toMatchObject(FAILED);
      other.exec('ALTER TABLE gone RENAME TO entries');
    });
  });

  describe('of listings', () => {
    it('go in pages over more entries than one page holds', async () => {
      const { cache } = await setUp();
      const keys = Array.from({ length: 1501 }, (_, i) => `k${String(i).padStart(4, '0')}`);
      await cache.mset(keys.map((key, value) => ({ key, value })));
      await cache.set('other', 1);
      expect(await collect(cache.keys('k'))).toEqual(keys);
      const entries = await collect(cache.entries());
      expect(entries).toEqual([...keys.map((key, i) => [key, i]), ['other', 1]]);
    });

    it('see all that was written before them, and survive what is deleted meanwhile', async () => {
      const { cache } = await setUp();
      void cache.mset(Array.from({ length: 1200 }, (_, i) => ({ key: `k${1000 + i}`, value: i })));
      const seen: string[] = [];
      for await (const key of cache.keys('')) {
        seen.push(key);
        if (seen.length === 10) await cache.clear();
      }
      expect(seen).toHaveLength(500);
      expect(new Set(seen).size).toBe(500);
    });
  });

  it('after the end are a miss and an event', async () => {
    const { node, cache, incidents } = await setUp({ l1: false });
    await cache.set('k', 'v');
    await node.close();
    expect(await cache.get('k')).toBeUndefined();
    expect(incidents[0]).toMatchObject({ error: { code: 'HC_CLOSED' }, during: 'reading' });
  });
});
