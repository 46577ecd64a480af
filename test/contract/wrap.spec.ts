import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { HyperCache } from '../../lib/nest/hyper-cache.service.js';
import type { HyperCacheOptions } from '../../lib/node/options.js';
import { deferred } from '../support/deferred.js';
import { eventually } from '../support/eventually.js';
import { cacheManagerOn, hyperCacheOn } from '../support/hyper-caches.js';
import { onEngines } from '../support/engines.js';
import { useSharedNode } from '../support/nodes.js';

const VARIANTS: readonly [name: string, options: HyperCacheOptions][] = [
  ['by default', {}],
  ['without L1', { l1: false }],
  ["with durability 'relaxed'", { durability: 'relaxed' }],
];

type Change = (cache: HyperCache) => Promise<unknown>;

/** What may happen to 'product:1', tagged 'catalogue', while its factory runs, and what stands there after. */
const CHANGES: readonly [name: string, change: Change, after: unknown][] = [
  ['del', (cache) => cache.del('product:1'), undefined],
  ['mdel', (cache) => cache.mdel(['product:1']), undefined],
  ['pull', (cache) => cache.pull('product:1'), undefined],
  ['clear', (cache) => cache.clear(), undefined],
  ['delByPrefix', (cache) => cache.delByPrefix('product:'), undefined],
  ['delByPrefix of everything', (cache) => cache.delByPrefix(''), undefined],
  ['delByTag', (cache) => cache.delByTag('catalogue'), undefined],
  ['set', (cache) => cache.set('product:1', 'newer'), 'newer'],
  ['mset', (cache) => cache.mset([{ key: 'product:1', value: 'newer' }]), 'newer'],
  ['add', (cache) => cache.add('product:1', 'newer'), 'newer'],
  ['setIf', (cache) => cache.setIf('product:1', 'newer', 0), 'newer'],
  ['increment', (cache) => cache.increment('product:1'), 1],
  ['set, then del', (cache) => setThenDelete(cache), undefined],
];

const UNRELATED: readonly [name: string, change: Change][] = [
  ['del of another key', (cache) => cache.del('product:2')],
  ['set of another key', (cache) => cache.set('product:12', 'other')],
  ['delByPrefix of another prefix', (cache) => cache.delByPrefix('product:1x')],
  ['delByTag of another tag', (cache) => cache.delByTag('prices')],
  ['touch, which finds nothing', (cache) => cache.touch('product:1', 1000)],
];

async function setThenDelete(cache: HyperCache): Promise<void> {
  await cache.set('product:1', 'newer');
  await cache.del('product:1');
}

/** A factory that tells when it was called and returns when the test says so. */
function heldFactory<T>() {
  const called = deferred<void>();
  const release = deferred<T>();
  const factory = jest.fn(() => {
    called.resolve();
    return release.promise;
  });
  return { factory, called: called.promise, release: release.resolve };
}

describe.each(onEngines(VARIANTS))('HyperCache.wrap, %s', (_name, options, make, traits) => {
  const node = useSharedNode(options, make);
  let namespace = '';
  let cache: HyperCache;
  beforeEach(() => {
    namespace = `cache-${expect.getState().currentTestName}`;
    cache = hyperCacheOn(node(), namespace);
  });

  describe('single flight', () => {
    it('calls one factory for a thousand callers', async () => {
      const factory = jest.fn(async () => ({ made: true }));

      const results = await Promise.all(
        Array.from({ length: 1000 }, () => cache.wrap('key', factory)),
      );

      expect(factory).toHaveBeenCalledTimes(1);
      expect(results).toEqual(results.map(() => ({ made: true })));
    });

    it('calls one factory for callers of HyperCache and of CACHE_MANAGER together', async () => {
      const manager = cacheManagerOn(node(), namespace);
      const factory = jest.fn(async () => 'made');

      await Promise.all([
        cache.wrap('key', factory),
        manager.wrap('key', factory),
        cache.wrap('key', factory),
      ]);

      expect(factory).toHaveBeenCalledTimes(1);
    });

    it('lets callers join while the factory runs', async () => {
      const { factory, called, release } = heldFactory<string>();
      const first = cache.wrap('key', factory);
      await called;
      const second = cache.wrap('key', factory);
      release('made');

      await expect(Promise.all([first, second])).resolves.toEqual(['made', 'made']);
      expect(factory).toHaveBeenCalledTimes(1);
    });
  });

  describe('fencing: what happens to the key during the factory wins', () => {
    it.each(CHANGES)('%s, done when the factory returns', async (_change, change, after) => {
      const { factory, called, release } = heldFactory<string>();
      const result = cache.wrap('product:1', factory, { tags: ['catalogue'] });
      await called;

      await change(cache);
      release('stale');

      await expect(result).resolves.toBe('stale');
      await expect(cache.get('product:1')).resolves.toBe(after);
    });

    it.each(CHANGES)('%s, begun but not awaited by the factory', async (_change, change, after) => {
      const changes: Promise<unknown>[] = [];
      const factory = (): string => {
        changes.push(change(cache));
        return 'stale';
      };

      await cache.wrap('product:1', factory, { tags: ['catalogue'] });
      await Promise.all(changes);

      await expect(cache.get('product:1')).resolves.toBe(after);
    });

    it.each(UNRELATED)('%s does not', async (_change, change) => {
      const { factory, called, release } = heldFactory<string>();
      const result = cache.wrap('product:1', factory, { tags: ['catalogue'] });
      await called;

      await change(cache);
      release('made');
      await result;

      await expect(cache.get('product:1')).resolves.toBe('made');
    });

    it('neither does a clear of another cache', async () => {
      const other = hyperCacheOn(node(), `${namespace}, other`);
      const { factory, called, release } = heldFactory<string>();
      const result = cache.wrap('product:1', factory);
      await called;

      await other.clear();
      release('made');
      await result;

      await expect(cache.get('product:1')).resolves.toBe('made');
    });

    it('neither does a deletion that was begun before the call', async () => {
      await cache.set('product:1', 'old');
      const deletion = cache.del('product:1');

      await expect(cache.wrap('product:1', () => 'made')).resolves.toBe('made');
      await deletion;

      await expect(cache.get('product:1')).resolves.toBe('made');
    });

    it('a set that was begun before the call is a hit', async () => {
      const factory = jest.fn(() => 'made');
      const setting = cache.set('product:1', 'set');

      await expect(cache.wrap('product:1', factory)).resolves.toBe('set');

      await setting;
      expect(factory).not.toHaveBeenCalled();
    });

    it.each(CHANGES.filter(([, , after]) => after === undefined))(
      'after %s a new caller is not given what an older factory makes',
      async (_change, change) => {
        const older = heldFactory<string>();
        const first = cache.wrap('product:1', older.factory, { tags: ['catalogue'] });
        await older.called;
        await change(cache);

        const second = cache.wrap('product:1', async () => 'fresh', { tags: ['catalogue'] });
        await node().flush();
        older.release('stale');

        await expect(first).resolves.toBe('stale');
        await expect(second).resolves.toBe('fresh');
        await expect(cache.get('product:1')).resolves.toBe('fresh');
      },
    );

    it('counts what it did not store', async () => {
      const { factory, called, release } = heldFactory<string>();
      const result = cache.wrap('product:1', factory);
      await called;
      await cache.del('product:1');
      release('stale');
      await result;

      const { caches } = await cache.stats();

      expect(caches[namespace]).toMatchObject({ factories: 1, fillsRefused: 1 });
    });
  });

  describe('fencing of a background refresh', () => {
    const changes = CHANGES.filter(([name]) => !['add', 'setIf', 'increment'].includes(name));

    it.each(changes)('%s wins over it', async (_change, change, after) => {
      const { factory, called, release } = heldFactory<string>();
      await cache.set('product:1', 'old', { ttl: 60_000, tags: ['catalogue'] });
      await cache.wrap('product:1', factory, { ttl: 60_000, refreshThreshold: 120_000 });
      await called;

      await change(cache);
      release('stale');

      await eventually(async () => {
        const { caches } = await cache.stats();
        expect(caches[namespace]).toMatchObject({ fillsRefused: 1 });
      });
      await expect(cache.get('product:1')).resolves.toBe(after);
    });

    it('a touch wins over it too: the deadline that it gave stays', async () => {
      const { factory, called, release } = heldFactory<string>();
      await cache.set('product:1', 'old', 60_000);
      await cache.wrap('product:1', factory, { ttl: 60_000, refreshThreshold: 120_000 });
      await called;

      await cache.touch('product:1', 0);
      release('new');

      await eventually(async () => {
        const { caches } = await cache.stats();
        expect(caches[namespace]).toMatchObject({ fillsRefused: 1 });
      });
      await expect(cache.ttl('product:1')).resolves.toBeUndefined();
    });
  });

  describe('failure of the factory', () => {
    it('is told, nothing is stored, and the next call tries again', async () => {
      const failure = new Error('origin is down');

      await expect(cache.wrap('key', () => Promise.reject(failure))).rejects.toBe(failure);

      await expect(cache.has('key')).resolves.toBe(false);
      await expect(cache.wrap('key', () => 'recovered')).resolves.toBe('recovered');
      await expect(cache.get('key')).resolves.toBe('recovered');
    });
  });

  describe('options', () => {
    it('ttl of 0 or none means no expiry, a number or a function is taken', async () => {
      await cache.wrap('none', () => 1);
      await cache.wrap('zero', () => 1, 0);
      const before = Date.now();
      await cache.wrap('number', () => 1, 60_000);
      await cache.wrap('function', () => 2, { ttl: (value) => value * 60_000 });

      await expect(cache.ttl('none')).resolves.toBeUndefined();
      await expect(cache.ttl('zero')).resolves.toBeUndefined();
      const since = before - traits.clockDistanceMs;
      expect(((await cache.ttl('number')) ?? 0) - since).toBeGreaterThanOrEqual(60_000);
      expect(((await cache.ttl('function')) ?? 0) - since).toBeGreaterThanOrEqual(120_000);
    });

    it('tags find the entry for delByTag', async () => {
      await cache.wrap('tagged', () => 1, { tags: ['a', 'b'] });
      await cache.wrap('untagged', () => 1);

      await expect(cache.delByTag('b')).resolves.toBe(1);

      await expect(cache.has('tagged')).resolves.toBe(false);
      await expect(cache.has('untagged')).resolves.toBe(true);
    });
  });
});
