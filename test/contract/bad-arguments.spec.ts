import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Cache } from 'cache-manager';
import type { HyperCache } from '../../lib/nest/hyper-cache.service.js';
import type { HyperCacheOptions } from '../../lib/node/options.js';
import { cacheManagerOn, hyperCacheOn } from '../support/hyper-caches.js';
import { onEngines } from '../support/engines.js';
import { useSharedNode } from '../support/nodes.js';

const VARIANTS: readonly [name: string, options: HyperCacheOptions][] = [
  ['by default', {}],
  ['without L1', { l1: false }],
  ["with durability 'relaxed'", { durability: 'relaxed' }],
];

const BAD_TTL: readonly [name: string, ttl: unknown][] = [
  ['NaN', Number.NaN],
  ['a string', '1000'],
  ['an empty string', ''],
  ['a boolean', true],
  ['a bigint', 1000n],
  ['a symbol', Symbol('ttl')],
  ['a Date', new Date(0)],
];

const NOT_WHOLE: readonly [name: string, value: unknown][] = [
  ['a fraction', 1.5],
  ['NaN', Number.NaN],
  ['Infinity', Infinity],
  ['a number past 2^53', 2 ** 53],
  ['a string', '1'],
  ['a bigint', 1n],
  ['null', null],
];

describe.each(onEngines(VARIANTS))('arguments, %s', (_name, options, make) => {
  const node = useSharedNode(options, make);
  let cache: HyperCache;
  let manager: Cache;
  beforeEach(() => {
    const namespace = `cache-${expect.getState().currentTestName}`;
    cache = hyperCacheOn(node(), namespace);
    manager = cacheManagerOn(node(), namespace);
  });

  describe('ttl', () => {
    it.each(BAD_TTL)('%s is refused, and nothing changes', async (_what, bad) => {
      const ttl = bad as number;
      await cache.set('key', 'old', 60_000);
      const { revision } = await cache.getWithRevision('key');
      const refusal = { code: 'HC_TTL_INVALID', hint: expect.stringContaining('milliseconds') };
      const calls: (() => Promise<unknown>)[] = [
        () => cache.set('key', 'new', { ttl }),
        () => cache.mset([{ key: 'key', value: 'new', ttl }]),
        () => cache.add('other', 'new', { ttl }),
        () => cache.setIf('key', 'new', revision, { ttl }),
        () => cache.touch('key', ttl),
        () => cache.increment('other', 1, { ttl }),
        () => cache.wrap('other', () => 'new', { ttl }),
        () => cache.wrap('other', () => 'new', { ttl: () => ttl }),
        () => manager.set('key', 'new', ttl),
        () => manager.mset([{ key: 'key', value: 'new', ttl }]),
        () => manager.wrap('other', () => 'new', { ttl }),
      ];

      for (const call of calls) await expect(call()).rejects.toMatchObject(refusal);

      await expect(cache.getWithRevision('key')).resolves.toEqual({ value: 'old', revision });
      await expect(cache.has('other')).resolves.toBe(false);
    });

    it.each(BAD_TTL.filter(([, ttl]) => typeof ttl !== 'object'))(
      '%s in place of the options is refused too',
      async (_what, bad) => {
        const ttl = bad as number;
        const refusal = { code: 'HC_TTL_INVALID' };

        await expect(cache.set('key', 1, ttl)).rejects.toMatchObject(refusal);
        await expect(cache.add('key', 1, ttl)).rejects.toMatchObject(refusal);
        await expect(cache.setIf('key', 1, 0, ttl)).rejects.toMatchObject(refusal);
        await expect(cache.wrap('key', () => 1, ttl)).rejects.toMatchObject(refusal);

        await expect(cache.has('key')).resolves.toBe(false);
      },
    );

    it.each([
      ['0', 0],
      ['Infinity', Infinity],
      ['past the last instant of Date', 8.64e15],
      ['the largest number', Number.MAX_VALUE],
    ])('of %s means no expiry', async (_what, ttl) => {
      await cache.set('set', 1, ttl);
      await cache.increment('increment', 1, { ttl });
      await cache.set('touched', 1, 1000);
      await cache.touch('touched', ttl);
      await manager.set('manager', 1, ttl);

      for (const key of ['set', 'increment', 'touched', 'manager']) {
        await expect(cache.has(key)).resolves.toBe(true);
        await expect(cache.ttl(key)).resolves.toBeUndefined();
      }
    });

    it.each([
      ['-1', -1],
      ['-Infinity', -Infinity],
      ['the smallest number', -Number.MAX_VALUE],
    ])(
      'of %s is a mistake; CACHE_MANAGER takes it for the past: a miss at once',
      async (_what, ttl) => {
        await manager.set('manager', 'old');
        await manager.set('manager', 'new', ttl);
        await expect(manager.wrap('wrap', () => 'made', ttl)).resolves.toBe('made');
        for (const call of [
          () => cache.set('key', 'new', ttl),
          () => cache.add('key', 'new', ttl),
          () => cache.touch('key', ttl),
          () => cache.wrap('key', () => 'made', ttl),
        ]) {
          await expect(call()).rejects.toMatchObject({ code: 'HC_TTL_INVALID' });
        }

        for (const key of ['key', 'manager', 'wrap']) {
          await expect(cache.get(key)).resolves.toBeUndefined();
          await expect(cache.has(key)).resolves.toBe(false);
          await expect(cache.ttl(key)).resolves.toBeUndefined();
        }
        await expect(cache.add('manager', 'again')).resolves.toBe(true);
      },
    );
  });

  describe('counters', () => {
    it.each([
      ['a string', 'text'],
      ['a numeric string', '1'],
      ['a fraction', 1.5],
      ['NaN', Number.NaN],
      ['Infinity', Infinity],
      ['null', null],
      ['true', true],
      ['a bigint', 1n],
      ['a Date', new Date(0)],
      ['an object', { count: 1 }],
    ])('do not count on %s, which stays as it is', async (_what, value) => {
      await cache.set('key', value);
      const refusal = { code: 'HC_NOT_AN_INTEGER', hint: expect.stringContaining('integers') };

      await expect(cache.increment('key')).rejects.toMatchObject(refusal);
      await expect(cache.decrement('key')).rejects.toMatchObject(refusal);

      await expect(cache.get('key')).resolves.toEqual(value);
    });

    it('count on an integer that was set', async () => {
      await cache.set('key', 41);

      await expect(cache.increment('key')).resolves.toBe(42);
      await expect(manager.get('key')).resolves.toBe(42);
    });

    it.each([
      ['increment', Number.MAX_SAFE_INTEGER, 1],
      ['decrement', Number.MIN_SAFE_INTEGER, 1],
      ['increment', 1, Number.MAX_SAFE_INTEGER],
      ['decrement', -2, Number.MAX_SAFE_INTEGER],
    ] as const)('do not leave the safe integers: %s of %d by %d', async (method, start, by) => {
      await cache.set('key', start);

      await expect(cache[method]('key', by)).rejects.toMatchObject({ code: 'HC_NUMBER_RANGE' });

      await expect(cache.get('key')).resolves.toBe(start);
    });

    it('reach the last safe integers', async () => {
      await cache.set('up', Number.MAX_SAFE_INTEGER - 1);
      await cache.set('down', Number.MIN_SAFE_INTEGER + 1);

      await expect(cache.increment('up')).resolves.toBe(Number.MAX_SAFE_INTEGER);
      await expect(cache.decrement('down')).resolves.toBe(Number.MIN_SAFE_INTEGER);
    });

    it('do not start out of range either', async () => {
      const initial = Number.MAX_SAFE_INTEGER;

      await expect(cache.increment('key', 1, { initial })).rejects.toMatchObject({
        code: 'HC_NUMBER_RANGE',
      });

      await expect(cache.has('key')).resolves.toBe(false);
    });

    it.each(NOT_WHOLE)('do not move by %s', async (_what, bad) => {
      const refusal = { code: 'HC_ARGUMENT_INVALID' };

      await expect(cache.increment('key', bad as number)).rejects.toMatchObject(refusal);
      await expect(cache.decrement('key', bad as number)).rejects.toMatchObject(refusal);

      await expect(cache.has('key')).resolves.toBe(false);
    });

    it.each(NOT_WHOLE.filter(([, value]) => value !== null))(
      'do not start at %s',
      async (_what, bad) => {
        const start = { initial: bad as number };
        const refusal = { code: 'HC_ARGUMENT_INVALID' };

        await expect(cache.increment('key', 1, start)).rejects.toMatchObject(refusal);
        await expect(cache.decrement('key', 1, start)).rejects.toMatchObject(refusal);

        await expect(cache.has('key')).resolves.toBe(false);
      },
    );

    it('one that is refused does not fail those of the same moment', async () => {
      await cache.set('text', 'text');

      const results = await Promise.allSettled([
        cache.increment('before'),
        cache.increment('text'),
        cache.increment('after'),
      ]);

      expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
      await expect(cache.mget(['before', 'text', 'after'])).resolves.toEqual([1, 'text', 1]);
    });
  });

  describe('setIf', () => {
    it.each([
      ['negative', -1],
      ['a fraction', 0.5],
      ['NaN', Number.NaN],
      ['Infinity', Infinity],
      ['a string', '0'],
      ['undefined', undefined],
      ['null', null],
    ])('refuses a revision that is %s', async (_what, bad) => {
      await expect(cache.setIf('key', 1, bad as number)).rejects.toMatchObject({
        code: 'HC_ARGUMENT_INVALID',
        hint: expect.stringContaining('getWithRevision'),
      });

      await expect(cache.has('key')).resolves.toBe(false);
    });

    it('stores nothing at a revision of the past or the future, and names the current one', async () => {
      await cache.set('key', 'first');
      const { revision: past } = await cache.getWithRevision('key');
      await cache.set('key', 'second');
      const { revision } = await cache.getWithRevision('key');

      for (const other of [0, past, revision + 1, Number.MAX_SAFE_INTEGER]) {
        await expect(cache.setIf('key', 'third', other)).resolves.toEqual({
          stored: false,
          revision,
        });
      }

      await expect(cache.get('key')).resolves.toBe('second');
    });
  });

  describe('the whole node', () => {
    it.each([
      ['negative', -1],
      ['NaN', Number.NaN],
      ['Infinity', Infinity],
      ['longer than a timer waits', 2 ** 31],
      ['a string', '5'],
      ['a duration with a space', '5 s'],
      ['null', null],
    ])('refuses to flush with a timeout that is %s', async (_what, bad) => {
      await expect(cache.flush(bad as number)).rejects.toMatchObject({
        code: 'HC_ARGUMENT_INVALID',
        hint: expect.stringContaining('milliseconds'),
      });
    });

    it.each([['0', 0], ['negative', -1], ...NOT_WHOLE])(
      'refuses a number of dead letters that is %s',
      async (_what, bad) => {
        await expect(cache.deadLetters(bad as number)).rejects.toMatchObject({
          code: 'HC_ARGUMENT_INVALID',
        });
      },
    );

    it.each([
      ['empty', ''],
      ['missing', undefined],
      ['a number', 42],
      ['no path of any system', 'a\0b'],
    ])('refuses a backup to a path that is %s', async (_what, bad) => {
      await expect(cache.backup(bad as string)).rejects.toMatchObject({
        code: 'HC_ARGUMENT_INVALID',
      });
    });
  });
});
