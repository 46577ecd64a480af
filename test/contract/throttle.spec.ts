import { describe, expect, it } from '@jest/globals';
import type { ThrottleOptions, ThrottleResult } from '../../lib/node/throttles.js';
import { ENGINES } from '../support/engines.js';
import { hyperCacheOn } from '../support/hyper-caches.js';
import { ManualClock } from '../support/manual-clock.js';
import { useNodes } from '../support/nodes.js';

const OPTIONS: ThrottleOptions = { limit: 2, ttl: 1000, blockDuration: 5000 };

describe.each(ENGINES)('throttle, on %s', (_engine, make, { remembersBlocks }) => {
  const startNode = useNodes(make);

  async function start() {
    const clock = new ManualClock();
    const node = await startNode({}, { clock });
    const cache = hyperCacheOn(node);
    const hit = (options: Partial<ThrottleOptions> = {}, key = 'key'): Promise<ThrottleResult> =>
      cache.throttle(key, { ...OPTIONS, ...options });
    return { clock, cache, hit };
  }

  it('counts hits, and blocks with the one over the limit', async () => {
    const { hit, clock } = await start();
    expect(await hit()).toEqual({
      totalHits: 1,
      isBlocked: false,
      timeToExpire: 1000,
      timeToBlockExpire: 0,
    });
    clock.advance(400);
    expect(await hit()).toMatchObject({ totalHits: 2, isBlocked: false, timeToExpire: 600 });
    expect(await hit()).toMatchObject({ totalHits: 3, isBlocked: true, timeToBlockExpire: 5000 });
    clock.advance(600);
    const totalHits = remembersBlocks ? 3 : 2;
    expect(await hit()).toMatchObject({ totalHits, isBlocked: true, timeToBlockExpire: 4400 });
    clock.advance(2000);
    expect(await hit()).toMatchObject({ totalHits: 0, isBlocked: true, timeToBlockExpire: 2400 });
    clock.advance(2400);
    expect(await hit()).toMatchObject({ totalHits: 1, isBlocked: false, timeToBlockExpire: 0 });
  });

  it('without a block lets pass whatever the sliding window has room for', async () => {
    const { hit, clock } = await start();
    const options = { blockDuration: 0 };
    await hit(options);
    clock.advance(600);
    await hit(options);
    expect(await hit(options)).toEqual({
      totalHits: 3,
      isBlocked: true,
      timeToExpire: 400,
      timeToBlockExpire: 400,
    });
    clock.advance(400);
    expect(await hit(options)).toMatchObject({ totalHits: 2, isBlocked: false });
    expect(await hit(options)).toMatchObject({ isBlocked: true, timeToBlockExpire: 600 });
  });

  it('of a fixed window ends all hits with the period', async () => {
    const { hit, clock } = await start();
    const options = { window: 'fixed', blockDuration: 0 } as const;
    await hit(options);
    clock.advance(900);
    await hit(options);
    expect(await hit(options)).toMatchObject({ isBlocked: true, timeToBlockExpire: 100 });
    clock.advance(100);
    expect(await hit(options)).toMatchObject({ totalHits: 1, isBlocked: false });
    expect(await hit(options)).toMatchObject({ totalHits: 2, isBlocked: false });
  });

  it.each([0, 5000])('of limit 0 blocks at once, with a block of %d ms', async (blockDuration) => {
    const { hit, clock } = await start();
    const options = { limit: 0, blockDuration };
    expect(await hit(options)).toMatchObject({ totalHits: 1, isBlocked: true });
    clock.advance(10_000);
    expect(await hit(options)).toMatchObject({ totalHits: 1, isBlocked: true });
  });

  it('counts keys, and names, apart, whatever stands in them', async () => {
    const { hit } = await start();
    const names = [
      ['a:b', 'c'],
      ['a', 'b:c'],
      ['a', 'default'],
      ['a\0', 'default'],
    ] as const;
    for (const [key, name] of names) {
      expect(await hit({ name }, key)).toMatchObject({ totalHits: 1 });
      expect(await hit({ name }, key)).toMatchObject({ totalHits: 2 });
    }
  });

  it('lets exactly the limit pass of many at once', async () => {
    const { hit } = await start();
    const all = await Promise.all(Array.from({ length: 1000 }, () => hit({ limit: 5 })));
    expect(all.filter(({ isBlocked }) => !isBlocked)).toHaveLength(5);
  });

  it('is forgotten by a reset, of one name or of all', async () => {
    const { hit, cache } = await start();
    for (const name of ['default', 'other']) {
      for (let i = 0; i < 3; i++) await hit({ name });
    }
    expect(await cache.resetThrottle('key', 'other')).toBe(true);
    expect(await hit({ name: 'other' })).toMatchObject({ totalHits: 1, isBlocked: false });
    expect(await hit()).toMatchObject({ isBlocked: true });
    expect(await cache.resetThrottle('key')).toBe(true);
    expect(await hit()).toMatchObject({ totalHits: 1, isBlocked: false });
    expect(await cache.resetThrottle('never hit')).toBe(false);
  });

  it('is not touched by what happens to entries', async () => {
    const { hit, cache } = await start();
    await hit();
    await cache.set('key', 1);
    await cache.clear();
    await cache.delByPrefix('');
    expect(await hit()).toMatchObject({ totalHits: 2 });
  });

  it('lengthens nothing when the clock is set back', async () => {
    const { hit, clock } = await start();
    for (let i = 0; i < 3; i++) await hit();
    clock.jumpTo(clock.now() - 3_600_000);
    // The server learns of its new time with the next question, which a block that is remembered puts off.
    if (remembersBlocks) clock.advance(1000);
    const { timeToBlockExpire } = await hit();
    expect(timeToBlockExpire).toBeLessThanOrEqual(5000);
    clock.advance(6000);
    expect(await hit()).toMatchObject({ totalHits: 1, isBlocked: false });
  });

  it.each([
    ['no limit', { limit: undefined }],
    ['a limit below 0', { limit: -1 }],
    ['half a hit', { limit: 1.5 }],
    ['no ttl', { ttl: undefined }],
    ['a ttl without a unit', { ttl: '1' }],
    ['an endless block', { blockDuration: Infinity }],
    ['NaN', { ttl: NaN }],
    ['another window', { window: 'round' }],
    ['another choice', { onUnavailable: 'ignore' }],
    ['another option', { block: 1 }],
  ])('refuses %s', async (_what, options) => {
    const { hit } = await start();
    await expect(hit(options as Partial<ThrottleOptions>)).rejects.toMatchObject({
      code: 'HC_ARGUMENT_INVALID',
    });
  });

  it.each([[''], ['\ud800'], ['x'.repeat(1025)], [undefined], [1]])(
    'refuses the key %j, and as a name',
    async (key) => {
      const { hit, cache } = await start();
      const refusal = { code: 'HC_KEY_INVALID' };
      await expect(cache.throttle(key as string, OPTIONS)).rejects.toMatchObject(refusal);
      await expect(cache.resetThrottle(key as string)).rejects.toMatchObject(refusal);
      if (key === undefined) return;
      await expect(hit({ name: key as string })).rejects.toMatchObject(refusal);
    },
  );

  it('refuses what are no options', async () => {
    const { cache } = await start();
    for (const options of [undefined, null, 5, 'five']) {
      await expect(cache.throttle('key', options as never)).rejects.toMatchObject({
        code: 'HC_ARGUMENT_INVALID',
      });
    }
  });
});
