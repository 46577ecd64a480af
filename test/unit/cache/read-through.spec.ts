import { describe, expect, it } from '@jest/globals';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { HyperCacheError } from '../../../lib/common/errors.js';
import type { HyperCacheStats, NodeCache } from '../../../lib/node/hyper-cache-node.js';
import type { HyperCacheOptions } from '../../../lib/node/options.js';
import { deferred } from '../../support/deferred.js';
import { ManualClock } from '../../support/manual-clock.js';
import { useNodes } from '../../support/nodes.js';
import { FILE_NAME, useDatabases } from '../../support/storages.js';
import { useTemporaryDirectories } from '../../support/temporary-directory.js';

describe('wrap', () => {
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

  async function valueOf(entry: ReturnType<NodeCache['wrap']>): Promise<unknown> {
    return (await entry).value;
  }

  /** Reads the origin at once and returns what it read when the test says so. */
  function slowFactory(read: () => unknown) {
    const started = deferred<void>();
    const gate = deferred<void>();
    const factory = async (): Promise<unknown> => {
      const value = read();
      started.resolve();
      await gate.promise;
      return value;
    };
    return { factory, started: started.promise, finish: () => gate.resolve() };
  }

  describe('joins a factory at work', () => {
    const CHANGES: readonly [name: string, change: (cache: NodeCache) => Promise<unknown>][] = [
      ['del', (cache) => cache.delete('k')],
      ['clear', (cache) => cache.clear()],
      ['delByPrefix', (cache) => cache.deletePrefix('k')],
      ['delByTag', (cache) => cache.deleteTag('t')],
      ['pull', (cache) => cache.pull('k')],
      ['set and del', async (cache) => [await cache.set('k', 'short'), await cache.delete('k')]],
      ['set of a value that expires at once', (cache) => cache.set('k', 'short', { ttl: -1 })],
    ];

    it.each(CHANGES)('but not one that began before a %s', async (_name, change) => {
      for (const durability of ['normal', 'relaxed'] as const) {
        const { cache, counters } = await setUp({ durability });
        let origin = 'old';
        const before = slowFactory(() => origin);
        const first = cache.wrap('k', before.factory, { tags: ['t'] });
        await before.started;
        origin = 'new';
        await change(cache);
        const after = slowFactory(() => origin);
        const second = cache.wrap('k', after.factory, { tags: ['t'] });
        const third = cache.wrap('k', () => 'never called', { tags: ['t'] });
        await after.started;
        before.finish();
        after.finish();
        expect(await valueOf(second)).toBe('new');
        expect(await valueOf(third)).toBe('new');
        await first;
        expect(await cache.get('k')).toBe('new');
        expect(counters()).toMatchObject({ factories: 2, fillsRefused: 1 });
      }
    });

    it('also when a deletion was begun, and its commit is still to come', async () => {
      const { cache } = await setUp();
      const before = slowFactory(() => 'old');
      const first = cache.wrap('k', before.factory);
      await before.started;
      const deleted = cache.delete('k');
      const second = cache.wrap('k', () => 'new');
      before.finish();
      expect(await valueOf(second)).toBe('new');
      await Promise.all([first, deleted]);
      expect(await cache.get('k')).toBe('new');
    });

    it('whatever happens to other keys meanwhile', async () => {
      const { cache, counters } = await setUp();
      const before = slowFactory(() => 'made');
      const first = cache.wrap('k', before.factory);
      await before.started;
      await cache.delete('k2');
      await cache.deletePrefix('k2');
      await cache.set('other', 1);
      const second = cache.wrap('k', () => 'never called');
      before.finish();
      expect(await valueOf(second)).toBe('made');
      expect(await valueOf(first)).toBe('made');
      expect(counters()).toMatchObject({ factories: 1 });
    });
  });

  it('does not bring back what a lost file took with it', async () => {
    const { cache, path, node } = await setUp({ sweepInterval: 1 });
    for (let i = 0; i < 50; i++) await cache.set(`k${i}`, i);
    const { revision } = node.stats() as HyperCacheStats;
    const before = slowFactory(() => 'old');
    const wrapped = cache.wrap('k', before.factory);
    await before.started;
    const recovered = deferred<void>();
    node.on('recovered', () => recovered.resolve());
    // What an operator does who means well.
    for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
    await recovered.promise;
    await cache.delete('k');
    before.finish();
    await wrapped;
    expect(await cache.get('k')).toBeUndefined();
    expect((node.stats() as HyperCacheStats).revision).toBeGreaterThan(revision);
  });

  describe('refreshes in the background', () => {
    const REFRESH = { ttl: 1000, refreshThreshold: 500 };

    it('and stores what the factory made, with a new deadline', async () => {
      const { cache, clock } = await setUp();
      await cache.set('k', 'old', { ttl: 1000 });
      clock.advance(600);
      const refreshed = deferred<unknown>();
      const onRefreshed = (_key: string, value: unknown): void => refreshed.resolve(value);
      const entry = cache.wrap('k', () => 'new', { ...REFRESH, onRefreshed });
      expect(await valueOf(entry)).toBe('old');
      expect(await refreshed.promise).toBe('new');
      expect(await cache.get('k')).toBe('new');
      expect(await cache.expiresAt('k')).toBe(clock.now() + 1000);
    });

    it('but not over what came and went during the factory, if the entry was gone before', async () => {
      const { cache, clock } = await setUp();
      await cache.set('k', 'old', { ttl: 1000 });
      clock.advance(600);
      const slow = slowFactory(() => 'stale');
      const refreshed = deferred<void>();
      // Something waits, so that the refresh begins after the deletion.
      const waiting = cache.set('other', 1);
      await cache.wrap('k', slow.factory, { ...REFRESH, onRefreshed: () => refreshed.resolve() });
      await Promise.all([waiting, cache.delete('k')]);
      await slow.started;
      await cache.set('k', 'newer');
      await cache.delete('k');
      slow.finish();
      await refreshed.promise;
      expect(await cache.get('k')).toBeUndefined();
    });

    it('once at a time, and tells a failure without harm to the entry', async () => {
      const { cache, clock, incidents, counters } = await setUp();
      await cache.set('k', 'old', { ttl: 1000 });
      clock.advance(600);
      const refreshed = deferred<unknown>();
      const gate = deferred<never>();
      const options = {
        ...REFRESH,
        onRefreshed: (_key: string, _value: unknown, error: unknown) => refreshed.resolve(error),
      };
      for (let i = 0; i < 5; i++) await cache.wrap('k', () => gate.promise, options);
      const cause = new Error('origin down');
      gate.reject(cause);
      expect(await refreshed.promise).toBe(cause);
      expect(await cache.get('k')).toBe('old');
      expect(counters()).toMatchObject({ factories: 1 });
      expect(incidents).toMatchObject([{ error: { code: 'HC_FACTORY_FAILED', cause } }]);
    });
  });

  describe('that cannot store', () => {
    class Product {
      constructor(readonly text: string) {}
    }

    it.each([
      ['an instance of a class', new Product('x'.repeat(2000))],
      ['a plain object', { text: 'x'.repeat(2000) }],
      ['an array', new Array(2000).fill('x')],
    ])('%s that is too large returns it all the same, and tells', async (_name, made) => {
      const { cache, incidents } = await setUp({ maxValueSize: 1000 });
      const entry = await cache.wrap('k', () => made);
      expect(cache.release(entry.value)).toEqual(made);
      expect(await cache.get('k')).toBeUndefined();
      expect(incidents).toMatchObject([{ error: { code: 'HC_VALUE_TOO_LARGE' } }]);
    });

    it('because the disk fails returns what it would have stored', async () => {
      const { cache, incidents, path } = await setUp();
      await cache.set('other', 1);
      openDatabase(path).exec(
        "CREATE TRIGGER refuse BEFORE INSERT ON changes BEGIN SELECT RAISE(ABORT, 'refused'); END",
      );
      const entry = await cache.wrap('k', () => new Product('text'));
      expect(cache.release(entry.value)).toStrictEqual({ text: 'text' });
      expect(incidents).toMatchObject([{ error: { code: 'HC_STORAGE_FAILED' } }]);
    });

    it('because of a mistake in the program rejects', async () => {
      const { cache } = await setUp();
      const wrap = async (value: unknown, ttl?: number): Promise<unknown> =>
        cache.wrap('k', () => value, { ttl });
      await expect(wrap(() => 1)).rejects.toMatchObject({ code: 'HC_VALUE_UNSUPPORTED' });
      await expect(wrap(1, NaN)).rejects.toMatchObject({ code: 'HC_TTL_INVALID' });
      await expect(wrap({ deep: Symbol('s') })).rejects.toMatchObject({
        code: 'HC_VALUE_UNSUPPORTED',
      });
    });

    it('undefined returns it, and calls the factory again the next time', async () => {
      const { cache, counters } = await setUp();
      expect(await valueOf(cache.wrap('k', () => undefined))).toBeUndefined();
      expect(await valueOf(cache.wrap('k', () => undefined))).toBeUndefined();
      expect(counters()).toMatchObject({ factories: 2 });
    });
  });

  it('gives those who waited together their own copies', async () => {
    const { cache } = await setUp();
    const entries = await Promise.all([1, 2].map(() => cache.wrap('k', () => ({ list: [1] }))));
    const [mine, other] = entries.map(({ value }) => cache.release(value) as { list: number[] });
    mine?.list.push(2);
    expect(other).toEqual({ list: [1] });
    expect(await cache.get('k')).toEqual({ list: [1] });
  });

  it('that waits when the node is closed returns what its factory makes', async () => {
    const { cache, node } = await setUp();
    const slow = slowFactory(() => 'made');
    const entry = cache.wrap('k', slow.factory);
    await slow.started;
    await node.close();
    slow.finish();
    expect(await valueOf(entry)).toBe('made');
    await nextTurn();
  });
});
