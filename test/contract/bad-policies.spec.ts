import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { WrapOptions } from '../../lib/cache/policy.js';
import type { HyperCacheManager } from '../../lib/keyv/cache-manager-cache.js';
import type { HyperCache } from '../../lib/nest/hyper-cache.service.js';
import type { HyperCacheNode } from '../../lib/node/hyper-cache-node.js';
import type { HyperCacheOptions } from '../../lib/node/options.js';
import { resolveOptions } from '../../lib/node/resolve-options.js';
import { cacheManagerOn, hyperCacheOn } from '../support/hyper-caches.js';
import { ManualClock } from '../support/manual-clock.js';
import { useNodes } from '../support/nodes.js';

const down = new Error('the origin is down');
const fails = (): never => {
  throw down;
};
type Given = WrapOptions<unknown>;

describe('A policy', () => {
  const start = useNodes();
  let clock: ManualClock;
  let node: HyperCacheNode;
  let cache: HyperCache;
  beforeEach(async () => {
    clock = new ManualClock();
    const policies = { catalog: { ttl: 10, grace: 100 } };
    node = await start({ policies }, { clock });
    cache = hyperCacheOn(node, 'n');
  });

  const REFUSED: readonly [given: unknown, message: RegExp][] = [
    [{ ttl: 0, stale: 5 }, /never expires/],
    [{ ttl: Infinity, grace: 5 }, /never expires/],
    [{ stale: 5 }, /never expires/],
    [{ ttl: 5, eager: 0.5, refreshThreshold: 5 }, /two ways/],
    [{ ttl: 5, eager: 0 }, /not a part of the ttl/],
    [{ ttl: 5, eager: 1 }, /not a part of the ttl/],
    [{ ttl: 5, eager: '0.5' }, /not a part of the ttl/],
    [{ ttl: 5, jitter: 1.1 }, /not a part of the ttl/],
    [{ ttl: 5, jitter: NaN }, /not a part of the ttl/],
    [{ ttl: 5, stale: '5' }, /`stale` is not a duration/],
    [{ ttl: 5, stale: -1 }, /`stale` is not a duration/],
    [{ ttl: 5, grace: '1.5.2h' }, /`grace` is not a duration/],
    [{ ttl: 5, grace: Infinity }, /`grace` is not a duration/],
    [{ ttl: 5, grace: 5n }, /`grace` is not a duration/],
    [{ ttl: 5, softTimeout: '10w' }, /`softTimeout` is not a duration/],
    [{ ttl: 5, timeout: -1 }, /`timeout` is not a duration/],
    [{ ttl: 5, softTimeout: 10, timeout: 5 }, /before `softTimeout`/],
    [{ ttl: 5, retryAfter: -1 }, /`retryAfter` is not a duration/],
    [{ ttl: 5, errorTtl: {} }, /`errorTtl` is not a duration/],
    [{ ttl: 5, onTimeout: 'stop' }, /neither 'continue' nor 'abort'/],
    [{ ttl: 5, graceOn: true }, /not a function/],
    [{ ttl: 5, signal: {} }, /not an AbortSignal/],
    [{ ttl: 5, tags: 'a' }, /not an array/],
    [{ ttl: 5, stael: 5 }, /no option 'stael'/],
    [{ policy: 'catalogue' }, /no policy 'catalogue'/],
    [{ policy: 5 }, /no policy '5'/],
    [{ policy: '__proto__' }, /no policy '__proto__'/],
    ['catalogue', /no policy 'catalogue'/],
    [{ policy: 'catalog', timeout: 5, softTimeout: 6 }, /before `softTimeout`/],
  ];

  it.each(REFUSED)('of %j is refused, on a hit as well', async (given, message) => {
    const factory = jest.fn(() => 1);
    const refusal = { code: 'HC_ARGUMENT_INVALID', message: expect.stringMatching(message) };
    await expect(cache.wrap('key', factory, given as Given)).rejects.toMatchObject(refusal);
    await cache.set('key', 1);
    await expect(cache.wrap('key', factory, given as Given)).rejects.toMatchObject(refusal);
    await expect(cache.wrapEntry('key', factory, given as Given)).rejects.toMatchObject(refusal);
    expect(factory).not.toHaveBeenCalled();
  });

  it('of one name, of fields and of the node: the nearer one wins', async () => {
    const wrap = { grace: 5, retryAfter: 0, eager: 0.5 };
    const other = await start({ policies: { catalog: { ttl: 10, grace: 100 } }, wrap }, { clock });
    const named = hyperCacheOn(other, 'n');
    await named.wrap('a', () => 1, 'catalog' as never);
    await named.wrap('b', () => 1, { policy: 'catalog' as never, grace: 50 });
    await named.wrap('c', () => 1, { ttl: 10 });
    const ends = await Promise.all(['a', 'b', 'c'].map((key) => named.getEntry(key)));
    expect(ends.map((entry) => (entry?.expiresAt ?? 0) - clock.now())).toEqual([110, 60, 15]);
    clock.advance(11);
    expect(await named.wrap('b', fails, { policy: 'catalog' as never })).toBe(1);
    // The threshold of the call takes the place of the `eager` below it.
    expect(await named.wrap('a', fails, { ttl: 10, grace: 100, refreshThreshold: 1 })).toBe(1);
    const own = other.cache('n').withPolicy({ grace: 0 });
    await expect(own.wrap('c', fails, { ttl: 10 })).rejects.toBe(down);
  });

  it('of the node means nothing to an entry that never expires', async () => {
    const other = await start({ wrap: { stale: 5, grace: 10, eager: 0.5, jitter: 0.5 } });
    const plain = hyperCacheOn(other, 'n');
    expect(await plain.wrap('key', () => 1)).toBe(1);
    expect(await plain.wrap('key', fails)).toBe(1);
    expect(await plain.wrap('zero', () => 1, 0)).toBe(1);
    expect(await plain.getEntry('key')).toMatchObject({ expiresAt: undefined });
  });

  it.each([
    [{ policies: { a: { stael: 1 } } }, /'a': a field 'stael'/],
    [{ policies: { '5m': { ttl: 1 } } }, /'5m': a name that is not a word/],
    [{ policies: { a: { eager: 2 } } }, /not a part of the ttl/],
    [{ policies: { a: { ttl: 0, grace: 5 } } }, /never expires/],
    [{ policies: { a: { ttl: -5 } } }, /'a': The ttl is -5/],
    [{ policies: { a: { ttl: true } } }, /'a': The ttl is/],
    [{ policies: { a: 5 } }, /'a': no object/],
    [{ policies: [] }, /no object/],
    [{ wrap: { grace: '5' } }, /`grace` is not a duration/],
    [{ wrap: { softTimeout: '2s', timeout: '1s' } }, /before `softTimeout`/],
    [{ wrap: { tags: [5] } }, /tag/],
    [{ wrap: 'catalog' }, /no object/],
  ])('of the options %j is refused at the start', (given, message) => {
    expect(() => resolveOptions(given as HyperCacheOptions, {})).toThrow(message);
  });

  describe('of CACHE_MANAGER', () => {
    const POLICY = { ttl: 10, grace: 100 };
    const manager = () => cacheManagerOn(node, 'n') as HyperCacheManager;

    it('takes the same fields, and gives the factory its context', async () => {
      expect(await manager().wrap('key', (ctx) => ctx.reason, POLICY)).toBe('miss');
      clock.advance(11);
      expect(await manager().wrap('key', fails, POLICY)).toBe('miss');
      expect(await manager().wrap('key', fails, { ...POLICY, raw: true })).toMatchObject({
        value: 'miss',
        isStale: true,
      });
      await expect(manager().wrap('key', fails, 10)).rejects.toBe(down);
    });

    it('refuses what contradicts itself', async () => {
      await expect(
        manager().wrap('key', fails, { ttl: 5, eager: 0.5, refreshThreshold: 5 }),
      ).rejects.toMatchObject({ code: 'HC_ARGUMENT_INVALID' });
    });

    it('calls a factory without arguments when no policy is named', async () => {
      const factory = jest.fn(() => 1);
      await manager().wrap('a', factory);
      await manager().wrap('b', factory, 5);
      await manager().wrap('c', factory, { ttl: 5 } as unknown as number);
      expect(factory.mock.calls).toEqual([[], [], []]);
    });
  });
});
