import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { WrapContext } from '../../lib/cache/policy.js';
import type { HyperCacheEvents } from '../../lib/common/events.js';
import type { HyperCache } from '../../lib/nest/hyper-cache.service.js';
import type { HyperCacheNode, HyperCacheStats } from '../../lib/node/hyper-cache-node.js';
import type { HyperCacheOptions } from '../../lib/node/options.js';
import { deferred } from '../support/deferred.js';
import { onNodes } from '../support/three-nodes.js';
import { eventually } from '../support/eventually.js';
import { hyperCacheOn } from '../support/hyper-caches.js';
import { ManualClock } from '../support/manual-clock.js';

const VARIANTS: readonly [name: string, options: HyperCacheOptions][] = [
  ['by default', {}],
  ['without L1', { l1: false }],
];

const ALL_BUT_TIMEOUTS = [
  'Date',
  'hrtime',
  'nextTick',
  'performance',
  'queueMicrotask',
  'setImmediate',
  'clearImmediate',
  'setInterval',
  'clearInterval',
] as const;

const down = new Error('the origin is down');
const fails = (): never => {
  throw down;
};

/** Timeouts end when the test moves time, however slow the machine is. */
async function withOwnTimeouts(run: () => Promise<void>): Promise<void> {
  jest.useFakeTimers({ doNotFake: [...ALL_BUT_TIMEOUTS] });
  try {
    await run();
  } finally {
    jest.useRealTimers();
  }
}

/** A factory that tells when it has begun, and ends as the test says. */
function held<T = string>() {
  const begun = deferred<WrapContext<T>>();
  const made = deferred<T>();
  const factory = jest.fn((context: WrapContext<T>) => {
    begun.resolve(context);
    return made.promise;
  });
  return { factory, begun: begun.promise, resolve: made.resolve, reject: made.reject };
}

describe.each(onNodes(VARIANTS))('wrap with a policy, %s', (_name, options, use) => {
  const start = use();
  let clock: ManualClock;
  let node: HyperCacheNode;
  let cache: HyperCache;
  let told: Partial<HyperCacheEvents['factory']>[] = [];
  let stale: HyperCacheEvents['stale'][] = [];
  beforeEach(async () => {
    clock = new ManualClock();
    node = await start({ timeout: 1, ...options }, { clock });
    cache = hyperCacheOn(node, 'n');
    told = [];
    stale = [];
    node.on('factory', (event) => void told.push(event));
    node.on('stale', (event) => void stale.push(event));
  });

  const counters = async () => ((await node.stats()) as HyperCacheStats).caches['n'];
  const ended = (count: number) => eventually(() => expect(told).toHaveLength(count));

  describe('stale', () => {
    const POLICY = { ttl: 10, stale: 20 };
    beforeEach(() => cache.set('key', 'old', POLICY));

    it('is fresh for its ttl: no factory', async () => {
      clock.advance(9);
      expect(await cache.wrapEntry('key', fails, POLICY)).toMatchObject({
        value: 'old',
        isStale: false,
      });
      expect(await counters()).toMatchObject({ factories: 0, staleHits: 0 });
    });

    it('is answered at once after it, and refreshed by one factory', async () => {
      clock.advance(11);
      const { factory, begun, resolve } = held();
      const entries = await Promise.all(
        Array.from({ length: 1000 }, () => cache.wrapEntry('key', factory, POLICY)),
      );
      expect(new Set(entries.map(({ value }) => value))).toEqual(new Set(['old']));
      expect(entries[0]).toMatchObject({ isStale: true, reason: 'refreshing' });
      expect(await begun).toMatchObject({
        key: 'key',
        reason: 'stale',
        stale: { value: 'old', staleSince: clock.now() - 1 },
      });
      resolve('new');
      await ended(1);
      expect(told).toMatchObject([{ key: 'key', reason: 'stale', outcome: 'stored' }]);
      expect(await cache.wrapEntry('key', fails, POLICY)).toMatchObject({
        value: 'new',
        isStale: false,
        freshUntil: clock.now() + 10,
        expiresAt: clock.now() + 30,
      });
      expect(factory).toHaveBeenCalledTimes(1);
      expect(await counters()).toMatchObject({ factories: 1, refreshes: 1, staleHits: 1000 });
      expect(stale[0]).toMatchObject({ namespace: 'n', key: 'key', reason: 'refreshing', age: 1 });
    });

    it('is waited for once the window is over', async () => {
      clock.advance(31);
      const { factory, begun, resolve } = held();
      const wrapped = cache.wrapEntry('key', factory, POLICY);
      expect(await begun).toMatchObject({ reason: 'miss', stale: undefined });
      resolve('new');
      expect(await wrapped).toMatchObject({ value: 'new', isStale: false, source: 'factory' });
    });

    it('is nothing to a caller that does not ask for it, or for less', async () => {
      clock.advance(11);
      expect(await cache.wrap('key', () => 'own', { ttl: 10 })).toBe('own');
      await cache.set('key', 'old', POLICY);
      clock.advance(15);
      expect(await cache.wrap('key', () => 'own', { ttl: 10, stale: 5 })).toBe('own');
    });

    it('pauses when the refresh has failed, and tells of it', async () => {
      const errors: unknown[] = [];
      node.on('error', ({ error }) => void errors.push(error.cause));
      clock.advance(11);
      expect(await cache.wrap('key', fails, POLICY)).toBe('old');
      await ended(1);
      expect(told).toMatchObject([{ outcome: 'failed', error: down }]);
      expect(errors).toContain(down);
      const { factory } = held();
      expect(await cache.wrapEntry('key', factory, POLICY)).toMatchObject({ reason: 'throttled' });
      expect(factory).not.toHaveBeenCalled();
      expect(await counters()).toMatchObject({ factoryErrors: 1, throttled: 1 });
    });

    it('goes with the entry when the refresh returns undefined', async () => {
      clock.advance(11);
      expect(await cache.wrap('key', () => undefined, POLICY)).toBe('old');
      await ended(1);
      expect(await cache.getEntry('key', { stale: true })).toBeUndefined();
    });

    it('null is stored', async () => {
      clock.advance(11);
      await cache.wrap('key', () => null, POLICY);
      await ended(1);
      expect(await cache.get('key')).toBeNull();
    });

    it('a refresh of what has changed meanwhile is not stored', async () => {
      clock.advance(11);
      const { factory, begun, resolve } = held();
      await cache.wrap('key', factory, POLICY);
      await begun;
      await cache.set('key', 'newer');
      resolve('late');
      await ended(1);
      expect(told).toMatchObject([{ outcome: 'refused' }]);
      expect(await cache.get('key')).toBe('newer');
      expect(await counters()).toMatchObject({ fillsRefused: 1 });
    });

    it('a miss joins the refresh that has outlived the windows', async () => {
      clock.advance(11);
      const { factory, begun, resolve } = held();
      await cache.wrap('key', factory, POLICY);
      await begun;
      clock.advance(30);
      const missed = cache.wrap('key', fails, POLICY);
      resolve('new');
      expect(await missed).toBe('new');
    });
  });

  describe('grace', () => {
    const KEPT = { ttl: 10, grace: 100 };
    const POLICY = { ...KEPT, retryAfter: 30 };
    beforeEach(async () => {
      await cache.set('key', 'old', { ...KEPT, tags: ['t'] });
      clock.advance(11);
    });

    it('serves the stale value when the origin fails, and calls it no more for a while', async () => {
      const factory = jest.fn(fails);
      expect(await cache.wrapEntry('key', factory, POLICY)).toMatchObject({
        value: 'old',
        isStale: true,
        reason: 'error',
        error: down,
      });
      for (let i = 0; i < 5; i++) {
        clock.advance(5);
        expect(await cache.wrapEntry('key', factory, POLICY)).toMatchObject({
          value: 'old',
          reason: 'throttled',
        });
      }
      expect(factory).toHaveBeenCalledTimes(1);
      clock.advance(5);
      expect(await cache.wrapEntry('key', () => 'healed', POLICY)).toMatchObject({
        value: 'healed',
        isStale: false,
      });
      expect(await cache.get('key')).toBe('healed');
      expect(await counters()).toMatchObject({ staleHits: 6, throttled: 5, factoryErrors: 1 });
      expect(stale.map(({ reason }) => reason)).toEqual(['error', ...Array(5).fill('throttled')]);
    });

    it('waits for the factory, once for all callers', async () => {
      const { factory, begun, resolve } = held();
      const first = cache.wrap('key', factory, POLICY);
      expect(await begun).toMatchObject({ reason: 'grace', stale: { value: 'old' } });
      const second = cache.wrap('key', factory, POLICY);
      resolve('new');
      expect(await Promise.all([first, second])).toEqual(['new', 'new']);
      expect(factory).toHaveBeenCalledTimes(1);
    });

    it('gives each caller the stale value when the factory of all fails', async () => {
      const { factory, begun, reject } = held();
      const served = [1, 2, 3].map(() => cache.wrap('key', factory, POLICY));
      await begun;
      reject(down);
      expect(await Promise.all(served)).toEqual(['old', 'old', 'old']);
    });

    it('is over when it is over, and nothing to a caller without', async () => {
      await expect(cache.wrap('key', fails, { ttl: 10 })).rejects.toBe(down);
      await expect(cache.wrap('key', fails, { ttl: 10, stale: 1 })).rejects.toBe(down);
      clock.advance(99);
      await expect(cache.wrap('key', fails, POLICY)).rejects.toBe(down);
    });

    it.each([
      ['del', () => cache.del('key')],
      ['delByTag', () => cache.delByTag('t')],
      ['delByPrefix', () => cache.delByPrefix('k')],
      ['clear', () => cache.clear()],
      ['pull', () => cache.pull('key')],
    ] as const)('is never what was deleted by %s while the factory ran', async (_verb, remove) => {
      const { factory, begun, reject } = held();
      const wrapped = cache.wrap('key', factory, POLICY);
      await begun;
      await remove();
      reject(down);
      await expect(wrapped).rejects.toBe(down);
    });

    it('is what was written while the factory ran', async () => {
      const { factory, begun, reject } = held();
      const wrapped = cache.wrapEntry('key', factory, POLICY);
      await begun;
      await cache.set('key', 'newer', KEPT);
      reject(down);
      expect(await wrapped).toMatchObject({ value: 'newer', isStale: false });
    });

    it('leaves failures alone that are answers', async () => {
      const notFound = Object.assign(new Error('no such product'), { status: 404 });
      const graceOn = (error: unknown): boolean => Object(error).status !== 404;
      const factory = jest.fn(() => Promise.reject(notFound));
      for (let i = 1; i <= 2; i++) {
        await expect(cache.wrap('key', factory, { ...POLICY, graceOn })).rejects.toBe(notFound);
        expect(factory).toHaveBeenCalledTimes(i);
      }
      expect(await cache.wrap('key', fails, { ...POLICY, graceOn })).toBe('old');
    });

    it.each([
      ['set', () => cache.set('key', 'old', { ...KEPT, ttl: 0.001 })],
      ['del', () => cache.del('key')],
      ['expire', () => cache.expire('key')],
    ] as const)('its pause is lifted by %s', async (_verb, lift) => {
      await cache.wrap('key', fails, POLICY);
      await lift();
      clock.advance(1);
      expect(await cache.wrap('key', () => 'new', POLICY)).toBe('new');
    });

    it('its pause is lifted by a fresh call', async () => {
      await cache.wrap('key', fails, POLICY);
      expect(await cache.wrap('key', () => 'new', { ...POLICY, fresh: true })).toBe('new');
      expect(await cache.get('key')).toBe('new');
    });

    it('of an expired entry is refreshed by the next call, and served when that fails', async () => {
      await cache.set('key', 'v', { ...KEPT, ttl: 1000 });
      await cache.expire('key');
      expect(await cache.get('key')).toBeUndefined();
      expect(await cache.wrap('key', fails, POLICY)).toBe('v');
      await cache.expire('key');
      expect(await cache.wrap('key', () => 'new', POLICY)).toBe('new');
    });

    it('a factory that began before expire does not store', async () => {
      const { factory, begun, resolve } = held();
      const first = cache.wrap('key', factory, POLICY);
      await begun;
      await cache.expire('key');
      expect(await cache.wrap('key', () => 'after', POLICY)).toBe('after');
      resolve('before');
      expect(await first).toBe('before');
      expect(await cache.get('key')).toBe('after');
    });
  });

  describe('times', () => {
    const POLICY = { ttl: 10, grace: 1000 };
    const keepOld = async (): Promise<void> => {
      await cache.set('key', 'old', POLICY);
      clock.advance(11);
    };

    it('softTimeout: the stale value then, and the new one when it comes', async () => {
      await keepOld();
      const { factory, resolve } = held();
      const served = await cache.wrapEntry('key', factory, { ...POLICY, softTimeout: 5 });
      expect(served).toMatchObject({ value: 'old', isStale: true, reason: 'timeout' });
      resolve('new');
      await ended(1);
      expect(await cache.get('key')).toBe('new');
    });

    it('softTimeout 0: the stale value for all of grace, at once', async () => {
      await keepOld();
      clock.advance(900);
      const { factory, resolve, begun } = held();
      const policy = { ...POLICY, softTimeout: 0 };
      expect(await cache.wrap('key', factory, policy)).toBe('old');
      await begun;
      resolve('new');
      await ended(1);
      expect(await cache.get('key')).toBe('new');
    });

    it('softTimeout waits on when the stale value was deleted', async () => {
      await keepOld();
      const { factory, begun, resolve } = held();
      await withOwnTimeouts(async () => {
        const wrapped = cache.wrap('key', factory, { ...POLICY, softTimeout: 20 });
        await begun;
        await cache.del('key');
        jest.advanceTimersByTime(20);
        await nextTurn();
        resolve('new');
        expect(await wrapped).toBe('new');
      });
    });

    it('timeout of a cold call: an error, and the value is stored when it comes', async () => {
      const { factory, resolve } = held();
      await expect(cache.wrap('key', factory, { ttl: 10, timeout: 5 })).rejects.toMatchObject({
        code: 'HC_FACTORY_TIMEOUT',
      });
      expect(await counters()).toMatchObject({ factoryTimeouts: 1 });
      resolve('late');
      await ended(1);
      expect(await cache.get('key')).toBe('late');
    });

    it('timeout with abort: the signal, and the value is dropped', async () => {
      const { factory, begun, resolve } = held();
      const policy = { ttl: 10, timeout: 5, onTimeout: 'abort' as const };
      await withOwnTimeouts(async () => {
        const wrapped = cache.wrap('key', factory, policy);
        const { signal } = await begun;
        jest.advanceTimersByTime(5);
        await expect(wrapped).rejects.toMatchObject({ code: 'HC_FACTORY_TIMEOUT' });
        expect(signal.aborted).toBe(true);
        expect(signal.reason).toMatchObject({ code: 'HC_FACTORY_TIMEOUT' });
        resolve('late');
        await nextTurn();
        expect(await cache.get('key')).toBeUndefined();
        expect(await cache.wrap('key', () => 'again', policy)).toBe('again');
      });
    });

    it('timeout in grace: the stale value', async () => {
      await keepOld();
      const { factory } = held();
      expect(await cache.wrapEntry('key', factory, { ...POLICY, timeout: 5 })).toMatchObject({
        value: 'old',
        reason: 'timeout',
        error: { code: 'HC_FACTORY_TIMEOUT' },
      });
    });

    it('timeout with abort in the background: a failure', async () => {
      await cache.set('key', 'old', { ttl: 10, stale: 1000 });
      clock.advance(11);
      const { factory, begun } = held();
      const policy = { ttl: 10, stale: 1000, timeout: 5, onTimeout: 'abort' as const };
      await withOwnTimeouts(async () => {
        expect(await cache.wrap('key', factory, policy)).toBe('old');
        const { signal } = await begun;
        jest.advanceTimersByTime(5);
        await nextTurn();
        expect(signal.aborted).toBe(true);
        expect(await cache.wrapEntry('key', factory, policy)).toMatchObject({
          reason: 'throttled',
        });
      });
    });
  });

  describe('a signal', () => {
    it('is of one caller: the others get their value', async () => {
      const { factory, begun, resolve } = held();
      const controller = new AbortController();
      const mine = cache.wrap('key', factory, { signal: controller.signal });
      await begun;
      const theirs = cache.wrap('key', factory);
      await nextTurn();
      controller.abort(new Error('I have left'));
      await expect(mine).rejects.toThrow('I have left');
      resolve('made');
      expect(await theirs).toBe('made');
      expect(await cache.get('key')).toBe('made');
    });

    it('of all callers aborts the factory, and nothing is stored', async () => {
      const { factory, begun, resolve } = held();
      const controller = new AbortController();
      const { signal } = controller;
      const both = [1, 2].map(() => cache.wrap('key', factory, { signal }));
      const context = await begun;
      await nextTurn();
      controller.abort(down);
      for (const one of both) await expect(one).rejects.toBe(down);
      expect(context.signal.aborted).toBe(true);
      resolve('late');
      await nextTurn();
      expect(await cache.get('key')).toBeUndefined();
      expect(await cache.wrap('key', () => 'again')).toBe('again');
    });

    it('that is aborted already is told at once, and no factory is called', async () => {
      const factory = jest.fn(() => 1);
      await expect(cache.wrap('key', factory, { signal: AbortSignal.abort(down) })).rejects.toBe(
        down,
      );
      expect(factory).not.toHaveBeenCalled();
    });

    it('does not touch a refresh in the background', async () => {
      const policy = { ttl: 10, stale: 100 };
      await cache.set('key', 'old', policy);
      clock.advance(11);
      const { factory, begun, resolve } = held();
      const controller = new AbortController();
      await cache.wrap('key', factory, { ...policy, signal: controller.signal });
      const context = await begun;
      controller.abort(down);
      await nextTurn();
      expect(context.signal.aborted).toBe(false);
      resolve('new');
      await ended(1);
      expect(await cache.get('key')).toBe('new');
    });
  });

  describe('fresh', () => {
    it('calls the factory though there is a value', async () => {
      await cache.set('key', 'old');
      expect(
        await cache.wrap('key', (ctx: WrapContext<string>) => ctx.reason, { fresh: true }),
      ).toBe('fresh');
      expect(await cache.get('key')).toBe('fresh');
    });

    it('never joins a factory that has begun, and shares one with those that wait too', async () => {
      let origin = 'before';
      const { factory, begun, resolve } = held();
      const first = cache.wrap('key', factory);
      await begun;
      origin = 'after';
      const read = jest.fn(() => origin);
      const others = [1, 2, 3].map(() => cache.wrap('key', read, { fresh: true }));
      resolve('before');
      expect(await first).toBe('before');
      expect(await Promise.all(others)).toEqual(['after', 'after', 'after']);
      expect(read).toHaveBeenCalledTimes(1);
      expect(await cache.get('key')).toBe('after');
    });

    it('is told when it fails, unless it has grace', async () => {
      await cache.set('key', 'old', { ttl: 10, grace: 100 });
      await expect(cache.wrap('key', fails, { fresh: true })).rejects.toBe(down);
      expect(await cache.wrap('key', fails, { ttl: 10, grace: 100, fresh: true })).toBe('old');
      expect(await cache.get('key')).toBe('old');
    });
  });

  it.each([null, 0, '', false])('a plain call finds %j, wherever it is', async (value) => {
    await cache.set('key', value);
    await cache.flush();
    expect(await cache.wrap('key', fails)).toBe(value);
    expect(await cache.wrap('key', fails, { ttl: 10, grace: 10 })).toBe(value);
  });

  it('eager: a hit past that part of the ttl refreshes in the background', async () => {
    const policy = { ttl: 100, eager: 0.8 };
    await cache.wrap('key', () => 'old', policy);
    clock.advance(80);
    expect(await cache.wrap('key', () => 'too early', policy)).toBe('old');
    clock.advance(1);
    const { factory, begun, resolve } = held();
    expect(await cache.wrapEntry('key', factory, policy)).toMatchObject({
      value: 'old',
      isStale: false,
    });
    expect(await begun).toMatchObject({ reason: 'eager', stale: { value: 'old' } });
    resolve('new');
    await ended(2);
    expect(await cache.get('key')).toBe('new');
  });

  it('jitter: entries end between the ttl and that part less', async () => {
    const keys = Array.from({ length: 300 }, (_, i) => `k${i}`);
    await Promise.all(keys.map((key) => cache.wrap(key, () => 1, { ttl: 1000, jitter: 0.2 })));
    const ends = await Promise.all(keys.map((key) => cache.ttl(key)));
    const left = ends.map((at) => (at ?? 0) - clock.now());
    expect(Math.min(...left)).toBeGreaterThanOrEqual(800);
    expect(Math.max(...left)).toBeLessThanOrEqual(1000);
    expect(new Set(left).size).toBeGreaterThan(50);
  });

  it('errorTtl: a cold failure is told again, until something happens to the key', async () => {
    const policy = { ttl: 10, errorTtl: 50 };
    const factory = jest.fn(fails);
    for (let i = 0; i < 3; i++) {
      await expect(cache.wrap('key', factory, policy)).rejects.toBe(down);
    }
    expect(factory).toHaveBeenCalledTimes(1);
    await cache.del('key');
    await expect(cache.wrap('key', factory, policy)).rejects.toBe(down);
    expect(factory).toHaveBeenCalledTimes(2);
    clock.advance(50);
    expect(await cache.wrap('key', () => 'healed', policy)).toBe('healed');
  });

  describe("the factory's context", () => {
    const POLICY = { ttl: 10, stale: 20 };

    it('sets how the value is kept, and leaves the options alone', async () => {
      const given = { ttl: 10, tags: ['a'] };
      const own = ['b'];
      await cache.wrap(
        'key',
        (ctx) => {
          ctx.set({ ttl: '1s', grace: 500, tags: own });
          return 'v';
        },
        given,
      );
      own.push('c');
      expect(given).toEqual({ ttl: 10, tags: ['a'] });
      const entry = await cache.getEntry('key');
      expect(entry).toMatchObject({
        freshUntil: clock.now() + 1000,
        expiresAt: clock.now() + 1500,
      });
      expect(await cache.delByTag('a')).toBe(0);
      expect(await cache.delByTag('c')).toBe(0);
      expect(await cache.delByTag('b')).toBe(1);
    });

    it('skip: the value goes to the caller, and the entry stays', async () => {
      const skipping = ({ skip }: WrapContext<string>): string => {
        skip();
        return 'not for all';
      };
      expect(await cache.wrap('none', skipping)).toBe('not for all');
      expect(await cache.has('none')).toBe(false);
      await cache.set('key', 'old', POLICY);
      clock.advance(11);
      await cache.wrap('key', skipping, POLICY);
      await ended(2);
      expect(told.map(({ outcome }) => outcome)).toEqual(['skipped', 'skipped']);
      expect(await cache.getEntry('key', { stale: true })).toMatchObject({ value: 'old' });
    });

    it('unchanged: the value that was there gets new windows', async () => {
      await cache.set('key', { list: [1] }, POLICY);
      clock.advance(11);
      await cache.wrap('key', (ctx: WrapContext<object>) => ctx.unchanged(), POLICY);
      await ended(1);
      expect(await cache.getEntry('key')).toMatchObject({
        value: { list: [1] },
        freshUntil: clock.now() + 10,
      });
      await expect(cache.wrap('none', (ctx) => ctx.unchanged())).rejects.toMatchObject({
        code: 'HC_ARGUMENT_INVALID',
      });
    });

    it('changes nothing when the factory has ended, and says so', async () => {
      let kept: WrapContext<number> | undefined;
      await cache.wrap('key', (ctx: WrapContext<number>) => ((kept = ctx), 1));
      for (const change of [
        () => kept?.set({ ttl: 1 }),
        () => kept?.skip(),
        () => kept?.unchanged(),
      ]) {
        expect(change).toThrow(expect.objectContaining({ code: 'HC_ARGUMENT_INVALID' }));
      }
    });

    it.each([
      [{ ttl: 'soon' }, 'HC_TTL_INVALID'],
      [{ ttl: -1 }, 'HC_TTL_INVALID'],
      [{ stale: -1 }, 'HC_ARGUMENT_INVALID'],
      [{ ttl: 0, grace: 5 }, 'HC_ARGUMENT_INVALID'],
      [{ tags: 'a' }, 'HC_ARGUMENT_INVALID'],
      [{ tags: [''] }, 'HC_KEY_INVALID'],
      [{ tll: 5 }, 'HC_ARGUMENT_INVALID'],
    ])('refuses set(%j)', async (given, code) => {
      const wrapped = cache.wrap('key', (ctx) => (ctx.set(given as object), 1));
      await expect(wrapped).rejects.toMatchObject({ code });
      expect(await cache.has('key')).toBe(false);
    });
  });

  describe('a factory that', () => {
    const POLICY = { ttl: 10, grace: 100 };

    it.each([
      ['throws', fails, down],
      ['rejects', () => Promise.reject(down), down],
      // oxlint-disable-next-line prefer-promise-reject-errors
      ['rejects with undefined', () => Promise.reject(undefined), undefined],
    ] as const)(
      '%s: callers are told, in grace served, and the next one calls its own',
      async (_how, factory, error) => {
        let caught: unknown = 'nothing';
        await cache.wrap('key', factory, POLICY).catch((thrown: unknown) => (caught = thrown));
        expect(caught).toBe(error);
        expect(await cache.wrap('key', () => 'old', POLICY)).toBe('old');
        clock.advance(11);
        expect(await cache.wrap('key', factory, POLICY)).toBe('old');
        clock.advance(10_000);
        expect(await cache.wrap('key', () => 'new', POLICY)).toBe('new');
      },
    );

    it('returns a thenable is waited for', async () => {
      // oxlint-disable-next-line no-thenable
      const thenable = { then: (done: (value: string) => void) => done('made') };
      expect(await cache.wrap('key', () => thenable as never, POLICY)).toBe('made');
    });

    it('wraps its own key is refused, in grace too', async () => {
      const inner = () => cache.wrap('key', () => 1, POLICY);
      await expect(cache.wrap('key', inner, POLICY)).rejects.toMatchObject({
        code: 'HC_ARGUMENT_INVALID',
      });
      await cache.set('key', 5, POLICY);
      clock.advance(11);
      await expect(cache.wrap('key', inner, POLICY)).rejects.toMatchObject({
        code: 'HC_ARGUMENT_INVALID',
      });
    });
  });

  it('close waits for refreshes no longer than `timeout`, then aborts them; nothing is stored', async () => {
    const policy = { ttl: 10, stale: 100 };
    await cache.set('key', 'old', policy);
    clock.advance(11);
    const { factory, begun, resolve } = held();
    await cache.wrap('key', factory, policy);
    const { signal } = await begun;
    const closing = node.close();
    expect(signal.aborted).toBe(false);
    await closing;
    expect(signal.aborted).toBe(true);
    resolve('late');
    await nextTurn();
    expect(told).toEqual([]);
  });
});
