import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Cache } from 'cache-manager';
import type { CreateCache } from '../cache-manager-contract.js';

export function describeObject(create: CreateCache): void {
  let cache: Cache;
  beforeEach(async () => {
    cache = await create();
  });

  describe('cacheId', () => {
    it('is a text that stays', () => {
      expect(cache.cacheId()).toMatch(/./);
      expect(cache.cacheId()).toBe(cache.cacheId());
    });

    it('tells caches apart', async () => {
      const other = await create();

      expect(other.cacheId()).not.toBe(cache.cacheId());
    });
  });

  describe('stores', () => {
    it('hold one store, which sees what the cache sees', async () => {
      await cache.set('key', 'value');
      const [store, ...others] = cache.stores;

      expect(others).toEqual([]);
      await expect(store?.get('key')).resolves.toBe('value');
      await expect(store?.has('key')).resolves.toBe(true);
      await expect(store?.get(['key', 'missing'])).resolves.toEqual(['value', undefined]);
    });

    it('show an entry with its deadline', async () => {
      await cache.set('key', 'value', 1000);

      await expect(cache.stores[0]?.get('key', { raw: true })).resolves.toEqual({
        value: 'value',
        expires: Date.now() + 1000,
      });
    });

    it('write what the cache reads', async () => {
      const [store] = cache.stores;

      await expect(store?.set('key', 'value', 1000)).resolves.toBe(true);

      await expect(cache.get('key')).resolves.toBe('value');
      await expect(cache.ttl('key')).resolves.toBe(Date.now() + 1000);
      await expect(store?.delete('key')).resolves.toBe(true);
      await expect(cache.get('key')).resolves.toBeUndefined();
    });

    it('can be iterated', async () => {
      await cache.mset(['a', 'b', 'c'].map((key) => ({ key, value: key.toUpperCase() })));

      const entries: Record<string, unknown> = {};
      for await (const [key, value] of cache.stores[0]?.iterator?.({}) ?? []) entries[key] = value;

      expect(entries).toEqual({ a: 'A', b: 'B', c: 'C' });
    });
  });

  describe('disconnect', () => {
    it('resolves to undefined, more than once', async () => {
      await cache.set('key', 'value');

      await expect(cache.disconnect()).resolves.toBeUndefined();
      await expect(cache.disconnect()).resolves.toBeUndefined();
    });
  });
}
