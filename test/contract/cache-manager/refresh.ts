import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Cache } from 'cache-manager';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { deferred } from '../../support/deferred.js';
import { advanceDate } from '../../support/frozen-date.js';
import type { CreateCache } from '../cache-manager-contract.js';

interface Refresh {
  key: string;
  value: unknown;
  error?: unknown;
}

/** The next 'refresh' event: a background refresh has ended. */
function nextRefresh(cache: Cache): Promise<Refresh> {
  return new Promise((resolve) => {
    const listener = (event: Refresh): void => {
      cache.off('refresh', listener);
      resolve(event);
    };
    cache.on('refresh', listener);
  });
}

export function describeRefresh(create: CreateCache): void {
  let cache: Cache;
  beforeEach(async () => {
    cache = await create();
    await cache.set('key', 'old', 1000);
  });

  describe('wrap with refreshThreshold', () => {
    it.each([
      ['as an argument', [1000, 300]],
      ['as a function', [1000, () => 300]],
      ['in the options', [{ ttl: 1000, refreshThreshold: 300 }]],
      ['as a function in the options', [{ ttl: 1000, refreshThreshold: () => 300 }]],
    ])('taken %s, resolves to the old value and renews it in the background', async (_h, args) => {
      await advanceDate(701);
      const refreshed = nextRefresh(cache);

      const result = cache.wrap('key', async () => 'new', ...(args as [number, number]));

      await expect(result).resolves.toBe('old');
      await refreshed;
      await expect(cache.get('key')).resolves.toBe('new');
      await expect(cache.ttl('key')).resolves.toBe(Date.now() + 1000);
    });

    it('passes the value to a threshold function', async () => {
      const threshold = jest.fn((_value: string) => 0);

      await cache.wrap('key', () => 'new', 1000, threshold);

      expect(threshold).toHaveBeenCalledWith('old');
    });

    it('passes the new value to a ttl function', async () => {
      await advanceDate(701);
      const refreshed = nextRefresh(cache);

      await cache.wrap(
        'key',
        () => 'longer',
        (value) => value.length * 1000,
        300,
      );
      await refreshed;

      await expect(cache.ttl('key')).resolves.toBe(Date.now() + 6000);
    });

    it('leaves an entry alone that has as much time left', async () => {
      const factory = jest.fn(() => 'new');
      await advanceDate(700);

      await cache.wrap('key', factory, 1000, 300);
      await nextTurn();

      expect(factory).not.toHaveBeenCalled();
    });

    it('leaves an entry alone that never expires', async () => {
      const factory = jest.fn(() => 'new');
      await cache.set('forever', 'old');

      await cache.wrap('forever', factory, 1000, 1_000_000);
      await nextTurn();

      expect(factory).not.toHaveBeenCalled();
    });

    it('does nothing special on a miss', async () => {
      const factory = jest.fn(() => 'new');

      await expect(cache.wrap('missing', factory, 1000, 300)).resolves.toBe('new');

      expect(factory).toHaveBeenCalledTimes(1);
    });

    it('runs one refresh of a key at a time', async () => {
      const release = deferred<string>();
      const factory = jest.fn(() => release.promise);
      await advanceDate(701);
      const refreshed = nextRefresh(cache);

      await cache.wrap('key', factory, 1000, 300);
      await cache.wrap('key', factory, 1000, 300);
      await nextTurn();
      release.resolve('new');
      await refreshed;

      expect(factory).toHaveBeenCalledTimes(1);
    });

    it('keeps the old value when the factory fails, and tries again on the next call', async () => {
      const failure = new Error('origin is down');
      await advanceDate(701);
      const failed = nextRefresh(cache);

      const first = cache.wrap('key', () => Promise.reject<string>(failure), 1000, 300);

      await expect(first).resolves.toBe('old');
      await expect(failed).resolves.toEqual({ key: 'key', value: 'old', error: failure });
      const refreshed = nextRefresh(cache);
      await expect(cache.wrap('key', () => 'new', 1000, 300)).resolves.toBe('old');
      await expect(refreshed).resolves.toEqual({ key: 'key', value: 'new' });
    });

    it('makes the key a miss when the factory finds nothing any more', async () => {
      await advanceDate(701);
      const refreshed = nextRefresh(cache);

      await cache.wrap<string | undefined>('key', () => undefined, 1000, 300);
      await refreshed;

      await expect(cache.get('key')).resolves.toBeUndefined();
    });
  });
}
