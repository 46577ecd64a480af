import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Cache, Events } from 'cache-manager';
import type { CreateCache } from '../cache-manager-contract.js';

const EVENTS = ['get', 'mget', 'set', 'mset', 'del', 'mdel', 'clear', 'refresh'] as const;

type Heard = [event: string, ...payload: unknown[]];

/** Everything that the cache emits from here on, in order. */
function listen(cache: Cache): Heard[] {
  const heard: Heard[] = [];
  for (const event of EVENTS) {
    // 'mdel' is emitted, but not in the types.
    cache.on(event as keyof Events, (...payload: unknown[]) => {
      heard.push([event, ...payload]);
    });
  }
  return heard;
}

export function describeEvents(create: CreateCache): void {
  let cache: Cache;
  beforeEach(async () => {
    cache = await create();
  });

  describe('events', () => {
    it('tell a hit of get', async () => {
      await cache.set('key', 'value');
      const heard = listen(cache);

      await cache.get('key');

      expect(heard).toEqual([['get', { key: 'key', value: 'value', store: 'primary' }]]);
    });

    it('tell nothing of a miss of get', async () => {
      const heard = listen(cache);

      await cache.get('missing');

      expect(heard).toEqual([]);
    });

    it('tell the keys and values of mget, misses included', async () => {
      await cache.set('a', 1);
      const heard = listen(cache);

      await cache.mget(['a', 'missing']);

      expect(heard).toEqual([['mget', { keys: ['a', 'missing'], values: [1, undefined] }]]);
    });

    it('tell a set, once for the store and once for the cache', async () => {
      const heard = listen(cache);

      await cache.set('key', 'value', 1000);

      expect(heard).toEqual([
        ['set', { key: 'key', value: 'value', store: 'primary' }],
        ['set', { key: 'key', value: 'value' }],
      ]);
    });

    it('tell the entries of mset', async () => {
      const heard = listen(cache);

      await cache.mset([{ key: 'a', value: 1, ttl: 1000 }]);

      expect(heard).toEqual([['mset', { list: [{ key: 'a', value: 1, ttl: 1000 }] }]]);
    });

    it('tell the key of del, the keys of mdel, and clear', async () => {
      const heard = listen(cache);

      await cache.del('key');
      await cache.mdel(['a', 'b']);
      await cache.clear();

      expect(heard).toEqual([['del', { key: 'key' }], ['mdel', { keys: ['a', 'b'] }], ['clear']]);
    });

    it('tell what wrap has set on a miss', async () => {
      const heard = listen(cache);

      await cache.wrap('key', () => 'made', 1000);

      expect(heard).toEqual([
        ['set', { key: 'key', value: 'made', store: 'primary' }],
        ['set', { key: 'key', value: 'made' }],
      ]);
    });

    it('tell nothing of a hit of wrap', async () => {
      await cache.set('key', 'value');
      const heard = listen(cache);

      await cache.wrap('key', () => 'made');

      expect(heard).toEqual([]);
    });

    it('tell the first caller of wrap once, whoever else waits', async () => {
      const heard = listen(cache);

      await Promise.all([cache.wrap('key', async () => 1), cache.wrap('key', async () => 2)]);

      expect(heard.map(([event]) => event)).toEqual(['set', 'set']);
    });

    it('tell what a refresh has set, and then the refresh', async () => {
      await cache.set('key', 'old', 1000);
      const heard = listen(cache);
      const refreshed = new Promise((resolve) => cache.on('refresh', resolve));

      await cache.wrap('key', () => 'new', 1000, 1001);
      await refreshed;

      expect(heard).toEqual([
        ['set', { key: 'key', value: 'new', store: 'primary' }],
        ['set', { key: 'key', value: 'new' }],
        ['refresh', { key: 'key', value: 'new' }],
      ]);
    });
  });

  describe('on and off', () => {
    it('reach every listener of an event', async () => {
      const heard: string[] = [];
      cache.on('del', ({ key }) => heard.push(`first ${key}`));
      cache.on('del', ({ key }) => heard.push(`second ${key}`));

      await cache.del('key');

      expect(heard).toEqual(['first key', 'second key']);
    });

    it('stop telling a listener that was taken off', async () => {
      const heard: unknown[] = [];
      const listener = (event: unknown): number => heard.push(event);
      cache.on('get', listener);
      cache.on('set', listener);
      cache.off('get', listener);
      cache.off('set', listener);

      await cache.set('key', 'value');
      await cache.get('key');

      expect(heard).toEqual([]);
    });
  });
}
