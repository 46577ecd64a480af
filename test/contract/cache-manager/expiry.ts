import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Cache } from 'cache-manager';
import { advanceDate } from '../../support/frozen-date.js';
import type { CreateCache } from '../cache-manager-contract.js';

const YEAR = 365 * 24 * 3_600_000;

export function describeExpiry(create: CreateCache): void {
  let cache: Cache;
  beforeEach(async () => {
    cache = await create();
  });

  describe('ttl in milliseconds', () => {
    it('keeps an entry until its deadline', async () => {
      await cache.set('key', 'value', 1000);
      await advanceDate(999);

      await expect(cache.get('key')).resolves.toBe('value');
      await expect(cache.mget(['key'])).resolves.toEqual(['value']);
    });

    it('makes an entry a miss past its deadline', async () => {
      await cache.set('key', 'value', 1000);
      await advanceDate(1001);

      await expect(cache.get('key')).resolves.toBeUndefined();
      await expect(cache.mget(['key'])).resolves.toEqual([undefined]);
    });

    it('of each entry of mset is its own', async () => {
      await cache.mset([
        { key: 'short', value: 1, ttl: 1000 },
        { key: 'long', value: 2, ttl: 5000 },
        { key: 'never', value: 3 },
      ]);
      await advanceDate(1001);

      await expect(cache.mget(['short', 'long', 'never'])).resolves.toEqual([undefined, 2, 3]);
    });

    it('of 0 means no expiry', async () => {
      await cache.set('key', 'value', 0);
      await cache.mset([{ key: 'other', value: 'value', ttl: 0 }]);
      await advanceDate(YEAR);

      await expect(cache.mget(['key', 'other'])).resolves.toEqual(['value', 'value']);
    });

    it('left out means no expiry', async () => {
      await cache.set('key', 'value');
      await advanceDate(YEAR);

      await expect(cache.get('key')).resolves.toBe('value');
    });

    it('below 0 is a deadline in the past', async () => {
      await cache.set('key', 'old');
      await cache.set('key', 'value', -1);
      await cache.mset([{ key: 'other', value: 'value', ttl: -1000 }]);

      await expect(cache.mget(['key', 'other'])).resolves.toEqual([undefined, undefined]);
    });

    it('is replaced with the value', async () => {
      await cache.set('longer', 1, 1000);
      await cache.set('longer', 2, 5000);
      await cache.set('forever', 1, 1000);
      await cache.set('forever', 2);
      await cache.set('shorter', 1);
      await cache.set('shorter', 2, 1000);
      await advanceDate(1001);

      await expect(cache.mget(['longer', 'forever', 'shorter'])).resolves.toEqual([
        2,
        2,
        undefined,
      ]);
    });

    it('ends for good: an expired entry does not come back when written anew', async () => {
      await cache.set('key', 'old', 1000);
      await advanceDate(1001);
      await cache.set('key', 'new', 1000);

      await expect(cache.get('key')).resolves.toBe('new');
    });
  });

  describe('default ttl', () => {
    it('holds for every write that gives none', async () => {
      const withDefault = await create({ ttl: 1000 });
      await withDefault.set('set', 1);
      await withDefault.mset([{ key: 'mset', value: 2 }]);
      await withDefault.wrap('wrap', () => 3);
      const keys = ['set', 'mset', 'wrap'];

      await advanceDate(999);
      await expect(withDefault.mget(keys)).resolves.toEqual([1, 2, 3]);

      await advanceDate(2);
      await expect(withDefault.mget(keys)).resolves.toEqual([undefined, undefined, undefined]);
    });

    it('gives way to the ttl of a write, 0 included', async () => {
      const withDefault = await create({ ttl: 1000 });
      await withDefault.set('set', 1, 5000);
      await withDefault.mset([{ key: 'mset', value: 2, ttl: 5000 }]);
      await withDefault.wrap('wrap', () => 3, 5000);
      await withDefault.set('never', 4, 0);
      await advanceDate(1001);

      await expect(withDefault.mget(['set', 'mset', 'wrap', 'never'])).resolves.toEqual([
        1, 2, 3, 4,
      ]);
    });

    it('stands in what mset resolves to', async () => {
      const withDefault = await create({ ttl: 1000 });

      await expect(
        withDefault.mset([
          { key: 'a', value: 1 },
          { key: 'b', value: 2, ttl: 0 },
        ]),
      ).resolves.toEqual([
        { key: 'a', value: 1, ttl: 1000 },
        { key: 'b', value: 2, ttl: 0 },
      ]);
    });
  });

  describe('ttl()', () => {
    it('resolves to the deadline in Unix milliseconds', async () => {
      await cache.set('key', 'value', 1000);
      const deadline = Date.now() + 1000;
      await advanceDate(300);

      await expect(cache.ttl('key')).resolves.toBe(deadline);
    });

    it('resolves to undefined when the entry never expires', async () => {
      await cache.set('key', 'value');

      await expect(cache.ttl('key')).resolves.toBeUndefined();
    });

    it('resolves to undefined when the key is missing or expired', async () => {
      await cache.set('expired', 'value', 1000);
      await advanceDate(1001);

      await expect(cache.ttl('expired')).resolves.toBeUndefined();
      await expect(cache.ttl('missing')).resolves.toBeUndefined();
    });

    it('follows the default ttl', async () => {
      const withDefault = await create({ ttl: 1000 });
      await withDefault.set('key', 'value');

      await expect(withDefault.ttl('key')).resolves.toBe(Date.now() + 1000);
    });
  });
}
