import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Cache } from 'cache-manager';
import { deferred } from '../../support/deferred.js';
import { advanceDate } from '../../support/frozen-date.js';
import type { CreateCache } from '../cache-manager-contract.js';

export function describeWrap(create: CreateCache): void {
  let cache: Cache;
  beforeEach(async () => {
    cache = await create();
  });

  describe('wrap', () => {
    it('calls the factory on a miss, resolves to its value and stores it', async () => {
      const factory = jest.fn(async () => ({ made: true }));

      await expect(cache.wrap('key', factory)).resolves.toEqual({ made: true });

      expect(factory).toHaveBeenCalledTimes(1);
      await expect(cache.get('key')).resolves.toEqual({ made: true });
    });

    it('does not call the factory on a hit', async () => {
      const factory = jest.fn(() => 'made');
      await cache.set('key', 'stored');

      await expect(cache.wrap('key', factory)).resolves.toBe('stored');

      expect(factory).not.toHaveBeenCalled();
    });

    it('takes a factory that returns a value as well as a promise', async () => {
      await expect(cache.wrap('value', () => 1)).resolves.toBe(1);
      await expect(cache.wrap('promise', () => Promise.resolve(2))).resolves.toBe(2);

      await expect(cache.mget(['value', 'promise'])).resolves.toEqual([1, 2]);
    });

    it.each([[null], [0], [''], [false]])('stores %j as any other value', async (value) => {
      const factory = jest.fn(() => value);

      await cache.wrap('key', factory);

      await expect(cache.wrap('key', factory)).resolves.toBe(value);
      expect(factory).toHaveBeenCalledTimes(1);
    });

    it('takes undefined for a miss: the factory is called each time', async () => {
      const factory = jest.fn(() => undefined);

      await expect(cache.wrap('key', factory)).resolves.toBeUndefined();
      await expect(cache.wrap('key', factory)).resolves.toBeUndefined();

      expect(factory).toHaveBeenCalledTimes(2);
      await expect(cache.get('key')).resolves.toBeUndefined();
    });

    it('calls the factory again when the entry has expired or was deleted', async () => {
      let made = 0;
      const factory = jest.fn(() => ++made);

      await cache.wrap('key', factory, 1000);
      await advanceDate(1001);
      await expect(cache.wrap('key', factory, 1000)).resolves.toBe(2);
      await cache.del('key');
      await expect(cache.wrap('key', factory, 1000)).resolves.toBe(3);
    });
  });

  describe('wrap, how long it stores', () => {
    it.each([
      ['as an argument', 1000],
      ['as a function', () => 1000],
      ['in the options', { ttl: 1000 }],
      ['as a function in the options', { ttl: () => 1000 }],
    ])('takes the ttl %s', async (_how, ttl) => {
      await cache.wrap('key', () => 'made', ttl as number);

      await expect(cache.ttl('key')).resolves.toBe(Date.now() + 1000);
    });

    it('passes the value to a ttl function', async () => {
      const ttl = jest.fn((user: { seconds: number }) => user.seconds * 1000);

      await cache.wrap('key', async () => ({ seconds: 3 }), ttl);

      expect(ttl).toHaveBeenCalledWith({ seconds: 3 });
      await expect(cache.ttl('key')).resolves.toBe(Date.now() + 3000);
    });

    it('takes 0 as no expiry, even from a function and against the default', async () => {
      const withDefault = await create({ ttl: 1000 });

      await withDefault.wrap('number', () => 1, 0);
      await withDefault.wrap(
        'function',
        () => 1,
        () => 0,
      );

      await expect(withDefault.ttl('number')).resolves.toBeUndefined();
      await expect(withDefault.ttl('function')).resolves.toBeUndefined();
    });

    it('follows the default when a ttl function says nothing', async () => {
      const withDefault = await create({ ttl: 1000 });

      await withDefault.wrap(
        'key',
        () => 1,
        () => undefined as unknown as number,
      );

      await expect(withDefault.ttl('key')).resolves.toBe(Date.now() + 1000);
    });
  });

  describe('wrap with raw', () => {
    it('resolves to value and deadline on a miss and on a hit', async () => {
      const expires = Date.now() + 1000;
      const options = { ttl: 1000, raw: true as const };

      await expect(cache.wrap('key', () => 'made', options)).resolves.toEqual({
        value: 'made',
        expires,
      });
      await advanceDate(300);
      await expect(cache.wrap('key', () => 'again', options)).resolves.toEqual({
        value: 'made',
        expires,
      });
    });

    it('resolves to a deadline of undefined on a hit that never expires', async () => {
      await cache.set('key', 'stored');

      const raw = await cache.wrap('key', () => 'made', { raw: true });

      expect(raw?.value).toBe('stored');
      expect(raw?.expires).toBeUndefined();
    });
  });

  describe('wrap, several callers at once', () => {
    it('calls one factory for all of them', async () => {
      const release = deferred<string>();
      const factory = jest.fn(() => release.promise);
      const callers = Array.from({ length: 10 }, () => cache.wrap('key', factory));

      release.resolve('made');

      await expect(Promise.all(callers)).resolves.toEqual(Array(10).fill('made'));
      expect(factory).toHaveBeenCalledTimes(1);
    });

    it('calls one factory for each key', async () => {
      const factory = jest.fn(async () => 'made');

      await Promise.all(['a', 'b', 'a', 'b'].map((key) => cache.wrap(key, factory)));

      expect(factory).toHaveBeenCalledTimes(2);
    });

    it('keeps caches apart', async () => {
      const other = await create();

      const [first, second] = await Promise.all([
        cache.wrap('key', async () => 'first'),
        other.wrap('key', async () => 'second'),
      ]);

      expect([first, second]).toEqual(['first', 'second']);
    });
  });

  describe('wrap, when the factory fails', () => {
    const failure = new Error('origin is down');
    const failing: [string, () => Promise<string>][] = [
      ['rejects', () => Promise.reject(failure)],
      [
        'throws',
        () => {
          throw failure;
        },
      ],
    ];

    it.each(failing)('passes on what it %s', async (_how, factory) => {
      await expect(cache.wrap('key', factory)).rejects.toBe(failure);
    });

    it.each(failing)(
      'stores nothing when it %s, and the next call tries again',
      async (_h, factory) => {
        await cache.wrap('key', factory).catch(() => undefined);

        await expect(cache.get('key')).resolves.toBeUndefined();
        await expect(cache.wrap('key', () => 'recovered')).resolves.toBe('recovered');
      },
    );

    it('tells every caller that waits', async () => {
      const called = deferred<void>();
      const release = deferred<string>();
      const factory = (): Promise<string> => {
        called.resolve();
        return release.promise;
      };
      const callers = Array.from({ length: 5 }, () => cache.wrap('key', factory));

      await called.promise;
      release.reject(failure);

      const results = await Promise.allSettled(callers);
      expect(results).toEqual(callers.map(() => ({ status: 'rejected', reason: failure })));
    });

    it('passes on what a ttl function throws', async () => {
      const ttl = (): number => {
        throw failure;
      };

      await expect(cache.wrap('key', () => 'made', ttl)).rejects.toBe(failure);
    });
  });
}
