import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Cache } from 'cache-manager';
import type { CreateCache } from '../cache-manager-contract.js';

const VALUES: readonly [string, unknown][] = [
  ['a string', 'value'],
  ['an empty string', ''],
  ['a number', 42.5],
  ['zero', 0],
  ['true', true],
  ['false', false],
  ['null', null],
  ['an array', [1, 'two', [3], null]],
  ['an object', { a: 1, b: { c: ['d'] } }],
];

export function describeReadsAndWrites(create: CreateCache): void {
  let cache: Cache;
  beforeEach(async () => {
    cache = await create();
  });

  describe('get', () => {
    it('resolves to undefined when the key is missing', async () => {
      await expect(cache.get('missing')).resolves.toBeUndefined();
    });

    it.each(VALUES)('resolves to %s that was set', async (_name, value) => {
      await cache.set('key', value);

      await expect(cache.get('key')).resolves.toStrictEqual(value);
    });

    it('tells keys apart exactly', async () => {
      const keys = ['a', 'A', 'a ', 'a%', 'a_', 'aa', '%', '_', '*', 'ä', 'a\u0308', '__proto__'];
      await Promise.all(keys.map((key, i) => cache.set(key, i)));

      await expect(Promise.all(keys.map((key) => cache.get(key)))).resolves.toEqual(
        keys.map((_key, i) => i),
      );
    });
  });

  describe('set', () => {
    it('resolves to the value as it was given', async () => {
      const value = { a: 1 };

      await expect(cache.set('key', value)).resolves.toBe(value);
    });

    it('replaces the value', async () => {
      await cache.set('key', 'old');
      await cache.set('key', { now: 'of another type' });

      await expect(cache.get('key')).resolves.toEqual({ now: 'of another type' });
    });

    it('of undefined makes the key a miss', async () => {
      await cache.set('key', 'value');
      await expect(cache.set('key', undefined)).resolves.toBeUndefined();

      await expect(cache.get('key')).resolves.toBeUndefined();
    });

    it('is seen by a get that does not wait for it, once it has resolved', async () => {
      await Promise.all(Array.from({ length: 20 }, (_, i) => cache.set(`key:${i}`, i)));

      await expect(cache.get('key:19')).resolves.toBe(19);
    });
  });

  describe('mget', () => {
    it('resolves to the values in the order of the keys, undefined for those missing', async () => {
      await cache.set('a', 1);
      await cache.set('b', 2);

      await expect(cache.mget(['b', 'missing', 'a', 'b'])).resolves.toEqual([2, undefined, 1, 2]);
    });

    it('tells null, false, zero and the empty string from a miss', async () => {
      await cache.mset([
        { key: 'null', value: null as unknown },
        { key: 'false', value: false },
        { key: 'zero', value: 0 },
        { key: 'empty', value: '' },
      ]);

      await expect(cache.mget(['null', 'false', 'missing', 'zero', 'empty'])).resolves.toEqual([
        null,
        false,
        undefined,
        0,
        '',
      ]);
    });

    it('of no keys resolves to an empty array', async () => {
      await expect(cache.mget([])).resolves.toEqual([]);
    });
  });

  describe('mset', () => {
    it('stores every entry', async () => {
      await cache.mset([
        { key: 'a', value: 1 },
        { key: 'b', value: 2, ttl: 1000 },
      ]);

      await expect(cache.mget(['a', 'b'])).resolves.toEqual([1, 2]);
    });

    it('resolves to the entries with the ttl that was given', async () => {
      const entries = await cache.mset([
        { key: 'a', value: 1 },
        { key: 'b', value: 2, ttl: 1000 },
        { key: 'c', value: 3, ttl: 0 },
      ]);

      expect(entries).toStrictEqual([
        { key: 'a', value: 1, ttl: undefined },
        { key: 'b', value: 2, ttl: 1000 },
        { key: 'c', value: 3, ttl: 0 },
      ]);
    });

    it('of no entries resolves to an empty array', async () => {
      await expect(cache.mset([])).resolves.toEqual([]);
    });
  });

  describe('del', () => {
    it('removes the key and no other', async () => {
      await cache.set('key', 1);
      await cache.set('key2', 2);

      await expect(cache.del('key')).resolves.toBe(true);

      await expect(cache.mget(['key', 'key2'])).resolves.toEqual([undefined, 2]);
    });

    it('resolves to true for a missing key too', async () => {
      await expect(cache.del('missing')).resolves.toBe(true);
    });
  });

  describe('mdel', () => {
    it('removes the keys and no others', async () => {
      await cache.mset(['a', 'b', 'c'].map((key) => ({ key, value: key })));

      await expect(cache.mdel(['a', 'missing', 'c'])).resolves.toBe(true);

      await expect(cache.mget(['a', 'b', 'c'])).resolves.toEqual([undefined, 'b', undefined]);
    });

    it('of no keys resolves to true', async () => {
      await expect(cache.mdel([])).resolves.toBe(true);
    });
  });

  describe('clear', () => {
    it('removes every key', async () => {
      await cache.mset(['a', 'b', 'c'].map((key) => ({ key, value: key })));

      await expect(cache.clear()).resolves.toBe(true);

      await expect(cache.mget(['a', 'b', 'c'])).resolves.toEqual([undefined, undefined, undefined]);
    });

    it('of an empty cache resolves to true', async () => {
      await expect(cache.clear()).resolves.toBe(true);
    });

    it('leaves the cache usable', async () => {
      await cache.set('key', 'old');
      await cache.clear();
      await cache.set('key', 'new');

      await expect(cache.get('key')).resolves.toBe('new');
    });
  });
}
