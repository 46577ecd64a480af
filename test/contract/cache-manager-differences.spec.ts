import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createCache, type Cache } from 'cache-manager';

import { deferred } from '../support/deferred.js';
import { advanceDate, useFrozenDate } from '../support/frozen-date.js';
import { cacheManagerOn } from '../support/hyper-caches.js';
import { useNodes } from '../support/nodes.js';

const YEAR = 365 * 24 * 3_600_000;

/** Where CACHE_MANAGER is not what cache-manager 7 is by default, on purpose. */
describe('CACHE_MANAGER differs from cache-manager', () => {
  useFrozenDate();
  const startNode = useNodes();
  let theirs: Cache;
  let ours: Cache;
  beforeEach(async () => {
    const node = await startNode();
    theirs = createCache();
    ours = cacheManagerOn(node);
  });

  describe('in keys: what no store could give back exactly is refused, not stored under another key', () => {
    it.each([
      ['empty', ''],
      ['over 1024 bytes', 'k'.repeat(1025)],
      ['with a lone surrogate', 'a\ud800'],
    ])('%s', async (_what, key) => {
      const refusal = { code: 'HC_KEY_INVALID' };
      await expect(theirs.set(key, 'value')).resolves.toBe('value');

      await expect(ours.get(key)).rejects.toMatchObject(refusal);
      await expect(ours.mget(['good', key])).rejects.toMatchObject(refusal);
      await expect(ours.set(key, 'value')).rejects.toMatchObject(refusal);
      await expect(ours.mset([{ key, value: 1 }])).rejects.toMatchObject(refusal);
      await expect(ours.del(key)).rejects.toMatchObject(refusal);
      await expect(ours.mdel([key])).rejects.toMatchObject(refusal);
      await expect(ours.wrap(key, () => 'made')).rejects.toMatchObject(refusal);
    });

    it('of another type: their own TypeError', async () => {
      const key = 42 as unknown as string;

      await expect(theirs.set(key, 'value')).rejects.toBeInstanceOf(TypeError);

      await expect(ours.set(key, 'value')).rejects.toMatchObject({ code: 'HC_KEY_INVALID' });
    });

    it('but ttl(), which takes every failure for a miss, does so here too', async () => {
      await expect(ours.ttl('')).resolves.toBeUndefined();
    });

    it('a refusal is an event too, for those who listen', async () => {
      const heard: unknown[] = [];
      for (const event of ['get', 'set', 'del'] as const) {
        ours.on(event, ({ key, error }: { key: string; error?: unknown }) => {
          heard.push([event, key, (error as { code: string }).code]);
        });
      }

      await Promise.allSettled([ours.get(''), ours.set('', 1), ours.del('')]);

      expect(heard.toSorted()).toEqual([
        ['del', '', 'HC_KEY_INVALID'],
        ['get', '', 'HC_KEY_INVALID'],
        ['set', '', 'HC_KEY_INVALID'],
      ]);
    });
  });

  describe('in ttl', () => {
    it.each([
      ['NaN', Number.NaN],
      ['a string', '1000' as unknown as number],
    ])('%s is refused, where it is taken for no expiry', async (_what, ttl) => {
      await theirs.set('key', 'value', ttl);
      await advanceDate(YEAR);
      await expect(theirs.get('key')).resolves.toBe('value');

      await expect(ours.set('key', 'value', ttl)).rejects.toMatchObject({ code: 'HC_TTL_INVALID' });
      await expect(ours.wrap('key', () => 1, ttl)).rejects.toMatchObject({
        code: 'HC_TTL_INVALID',
      });
      await expect(ours.get('key')).resolves.toBeUndefined();
    });

    it('of Infinity, as that of 0, is shown as undefined by ttl()', async () => {
      await theirs.set('key', 'value', Infinity);
      await ours.set('key', 'value', Infinity);

      await expect(theirs.ttl('key')).resolves.toBe(Infinity);
      await expect(ours.ttl('key')).resolves.toBeUndefined();
      await expect(ours.get('key')).resolves.toBe('value');
    });

    it('ends at the deadline, not a millisecond past it', async () => {
      await theirs.set('key', 'value', 1000);
      await ours.set('key', 'value', 1000);
      await advanceDate(1000);

      await expect(theirs.get('key')).resolves.toBe('value');
      await expect(ours.get('key')).resolves.toBeUndefined();
    });

    it('that is missing shows as undefined in what a raw wrap makes, where it is NaN', async () => {
      const options = { raw: true } as const;

      await expect(theirs.wrap('key', () => 1, options)).resolves.toEqual({
        value: 1,
        expires: NaN,
      });
      await expect(ours.wrap('key', () => 1, options)).resolves.toEqual({
        value: 1,
        expires: undefined,
      });
    });
  });

  describe('in values', () => {
    it('what a caller does to a value changes no one else’s', async () => {
      const given = { list: [1] };
      await theirs.set('key', given);
      await ours.set('key', given);

      given.list.push(2);
      (await ours.get<typeof given>('key'))?.list.push(3);

      await expect(theirs.get('key')).resolves.toEqual({ list: [1, 2] });
      await expect(ours.get('key')).resolves.toEqual({ list: [1] });
    });

    it('what would not come back as it went in is refused, and the old value stays', async () => {
      const value = { callback: (): void => undefined };
      await ours.set('key', 'old');

      await expect(theirs.set('key', value)).resolves.toBe(value);

      await expect(ours.set('key', value)).rejects.toMatchObject({ code: 'HC_VALUE_UNSUPPORTED' });
      await expect(ours.get('key')).resolves.toBe('old');
    });
  });

  describe('in wrap', () => {
    it('a del during the factory wins: its value is returned, but not stored', async () => {
      for (const cache of [theirs, ours]) {
        const called = deferred<void>();
        const release = deferred<string>();
        const factory = (): Promise<string> => {
          called.resolve();
          return release.promise;
        };
        const result = cache.wrap('key', factory);
        await called.promise;
        await cache.del('key');
        release.resolve('of before the del');
        await expect(result).resolves.toBe('of before the del');
      }

      await expect(theirs.get('key')).resolves.toBe('of before the del');
      await expect(ours.get('key')).resolves.toBeUndefined();
    });

    it('a factory that finds nothing sets nothing, so no event tells of it', async () => {
      const heard = jest.fn();
      theirs.on('set', heard);
      ours.on('set', heard);

      await ours.wrap('key', () => undefined);
      expect(heard).not.toHaveBeenCalled();

      await theirs.wrap('key', () => undefined);
      expect(heard).toHaveBeenCalledWith({ key: 'key', value: undefined });
    });
  });

  describe('in disconnect', () => {
    it('what waits is committed, and the cache, which others share, stays open', async () => {
      const node = await startNode({ durability: 'relaxed' });
      const relaxed = cacheManagerOn(node);
      void relaxed.set('key', 'value');

      await relaxed.disconnect();

      expect(await node.stats()).toMatchObject({ queued: 0, l2: { entries: 1 } });
      await expect(relaxed.get('key')).resolves.toBe('value');
      await expect(relaxed.set('key', 'newer')).resolves.toBe('newer');
    });
  });

  describe("in the store, with durability 'relaxed'", () => {
    it('delete does not wait to learn whether there was an entry', async () => {
      const node = await startNode({ durability: 'relaxed' });
      const relaxed = cacheManagerOn(node);

      await expect(theirs.stores[0]?.delete('missing')).resolves.toBe(false);
      await expect(ours.stores[0]?.delete('missing')).resolves.toBe(false);
      await expect(relaxed.stores[0]?.delete('missing')).resolves.toBe(true);
    });
  });
});
