import { beforeEach, describe, expect, it } from '@jest/globals';
import type { HyperCache } from '../../lib/nest/hyper-cache.service.js';
import type { HyperCacheNode } from '../../lib/node/hyper-cache-node.js';
import type { HyperCacheOptions } from '../../lib/node/options.js';
import { onNodes } from '../support/three-nodes.js';
import { hyperCacheOn } from '../support/hyper-caches.js';
import { ManualClock } from '../support/manual-clock.js';
import { useNodes } from '../support/nodes.js';

const VARIANTS: readonly [name: string, options: HyperCacheOptions][] = [
  ['by default', {}],
  ['without L1', { l1: false }],
  ["with durability 'relaxed'", { durability: 'relaxed' }],
];

async function listed<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

const KEPT = { ttl: 10, stale: 20, grace: 50 };

describe.each(onNodes(VARIANTS))('An entry with a window, %s', (_name, options, use, traits) => {
  const start = use();
  let clock: ManualClock;
  let node: HyperCacheNode;
  let cache: HyperCache;
  beforeEach(async () => {
    clock = new ManualClock();
    node = await start(options, { clock });
    cache = hyperCacheOn(node, 'n');
  });

  /** An entry that is stale and committed. */
  async function keepStale(key = 'key', value: unknown = 'old', tags: string[] = []) {
    await cache.set(key, value, { ...KEPT, tags });
    await cache.flush();
    clock.advance(10);
  }

  const staleEntry = (key = 'key') => cache.getEntry(key, { stale: true });

  it('is fresh for its ttl, stale for the longer of its windows, and gone then', async () => {
    await cache.set('key', 'v', KEPT);
    const from = clock.now();
    clock.advance(9);
    expect(await cache.get('key')).toBe('v');
    expect(await cache.ttl('key')).toBe(from + 10);
    expect(await cache.getEntry('key')).toMatchObject({ value: 'v', isStale: false });
    clock.advance(1);
    expect(await cache.get('key')).toBeUndefined();
    const ends = { freshUntil: from + 10, expiresAt: from + 60 };
    expect(await staleEntry()).toMatchObject({ value: 'v', isStale: true, ...ends });
    clock.advance(49);
    expect(await staleEntry()).toMatchObject({ value: 'v' });
    clock.advance(1);
    expect(await staleEntry()).toBeUndefined();
  });

  it('is missing for all other reads once it is stale', async () => {
    await keepStale();
    expect(await cache.get('key')).toBeUndefined();
    expect(await cache.mget(['key'])).toEqual([undefined]);
    expect(await cache.has('key')).toBe(false);
    expect(await cache.ttl('key')).toBeUndefined();
    expect(await cache.getEntry('key')).toBeUndefined();
    expect(await cache.getWithRevision('key')).toEqual({ value: undefined, revision: 0 });
    expect(await listed(cache.keys())).toEqual([]);
    expect(await cache.touch('key', 1000)).toBe(false);
    expect(await staleEntry()).toMatchObject({ value: 'old' });
  });

  it('does not hide from a listing what is fresh', async () => {
    await keepStale();
    await cache.set('other', 1);
    expect(await listed(cache.keys())).toEqual(['other']);
    expect(await listed(node.cache('n').entries())).toEqual([['other', 1]]);
  });

  it('is a value of its own for each caller', async () => {
    await keepStale('key', { list: [1] });
    const first = await cache.getEntry<{ list: number[] }>('key', { stale: true });
    first?.value.list.push(2);
    expect(await staleEntry()).toMatchObject({ value: { list: [1] } });
  });

  it('gives way to add, setIf and increment as a missing one does', async () => {
    await keepStale('a');
    await keepStale('b');
    await keepStale('c', 5);
    expect(await cache.add('a', 'new')).toBe(true);
    expect(await cache.setIf('b', 'new', 0)).toMatchObject({ stored: true });
    expect(await cache.increment('c')).toBe(1);
    expect(await cache.mget(['a', 'b', 'c'])).toEqual(['new', 'new', 1]);
    clock.advance(1_000_000);
    expect(await cache.mget(['a', 'b', 'c'])).toEqual(['new', 'new', 1]);
  });

  it('is removed by pull, which finds nothing', async () => {
    await keepStale();
    expect(await cache.pull('key')).toBeUndefined();
    expect(await staleEntry()).toBeUndefined();
  });

  it.each([
    ['delByTag', () => cache.delByTag('t'), 0],
    ['delByPrefix', () => cache.delByPrefix('k'), 0],
    ['mdel', () => cache.mdel(['key']), options.durability === 'relaxed' ? 1 : 0],
    ['clear', () => cache.clear(), traits.countsCleared ? 1 : 0],
  ] as const)('is removed by %s, and does not count', async (_verb, remove, count) => {
    await keepStale('key', 'old', ['t']);
    expect(await remove()).toBe(count);
    expect(await staleEntry()).toBeUndefined();
  });

  it('keeps its windows when it is touched or counted', async () => {
    await cache.set('key', 1, KEPT);
    await cache.touch('key', 100);
    await cache.increment('key');
    clock.advance(100);
    expect(await cache.get('key')).toBeUndefined();
    clock.advance(49);
    expect(await staleEntry()).toMatchObject({ value: 2, isStale: true });
    clock.advance(1);
    expect(await staleEntry()).toBeUndefined();
  });

  it('loses them when it is written without', async () => {
    await cache.set('key', 1, KEPT);
    await cache.set('key', 2, 10);
    clock.advance(10);
    expect(await staleEntry()).toBeUndefined();
  });

  it('can be one of many', async () => {
    await cache.mset([
      { key: 'a', value: 1, ...KEPT },
      { key: 'b', value: 2, ttl: 10 },
    ]);
    clock.advance(10);
    expect(await staleEntry('a')).toMatchObject({ value: 1 });
    expect(await staleEntry('b')).toBeUndefined();
  });

  describe('expire', () => {
    it('makes a fresh entry stale at once, for its windows', async () => {
      const from = clock.now();
      await cache.set('key', 'v', { ...KEPT, ttl: 1000 });
      clock.advance(5);
      expect(await cache.expire('key')).toBe(true);
      expect(await cache.get('key')).toBeUndefined();
      expect(await cache.has('key')).toBe(false);
      const ends = { freshUntil: from + 5, expiresAt: from + 1050 };
      expect(await staleEntry()).toMatchObject({ value: 'v', isStale: true, ...ends });
    });

    it('is no later for a clock that is behind', async () => {
      await cache.set('key', 'v', { ...KEPT, ttl: 1000 });
      await cache.expire('key');
      clock.jumpTo(clock.now() - 500);
      expect(await cache.get('key')).toBeUndefined();
    });

    it('deletes an entry that has no window', async () => {
      await cache.set('key', 'v', 1000);
      expect(await cache.expire('key')).toBe(true);
      expect(await staleEntry()).toBeUndefined();
      await cache.set('key', 'v');
      expect(await cache.expire('key')).toBe(true);
      expect(await staleEntry()).toBeUndefined();
    });

    it('says that a missing one and a stale one were not fresh', async () => {
      expect(await cache.expire('none')).toBe(false);
      await keepStale();
      expect(await cache.expire('key')).toBe(false);
      expect(await staleEntry()).toMatchObject({ value: 'old' });
    });

    it('of a tag or a prefix counts those that were fresh', async () => {
      await keepStale('x:stale', 'old', ['t']);
      await cache.mset([
        { key: 'x:1', value: 1, ...KEPT, tags: ['t'] },
        { key: 'x:2', value: 2, ttl: 100, tags: ['t'] },
        { key: 'y', value: 3, ...KEPT },
      ]);
      expect(await cache.expireByTag('t')).toBe(2);
      expect(await cache.mget(['x:1', 'x:2', 'y'])).toEqual([undefined, undefined, 3]);
      expect(await staleEntry('x:1')).toMatchObject({ value: 1 });
      expect(await staleEntry('x:2')).toBeUndefined();
      expect(await cache.expireByPrefix('y')).toBe(1);
      expect(await staleEntry('y')).toMatchObject({ value: 3 });
      expect(await cache.expireByPrefix('none')).toBe(0);
      expect(await cache.delByTag('t')).toBe(0);
      expect(await staleEntry('x:1')).toBeUndefined();
    });

    it('of many entries goes through all of them', async () => {
      const entries = Array.from({ length: 1200 }, (_, i) => ({ key: `m${i}`, value: i, ...KEPT }));
      await cache.mset(entries);
      expect(await cache.expireByPrefix('m')).toBe(1200);
      expect(await listed(cache.keys())).toEqual([]);
      expect(await staleEntry('m1199')).toMatchObject({ value: 1199 });
    });
  });
});

describe('A window', () => {
  const start = useNodes();

  it.each([
    [{ stale: -1, ttl: 10 }, /`stale` is not a duration/],
    [{ grace: NaN, ttl: 10 }, /`grace` is not a duration/],
    [{ grace: Infinity, ttl: 10 }, /`grace` is not a duration/],
    [{ grace: 1e300, ttl: 10 }, /`grace` is not a duration/],
    [{ grace: '5', ttl: 10 }, /`grace` is not a duration/],
    [{ grace: null, ttl: 10 }, /`grace` is not a duration/],
    [{ grace: 10, ttl: 0 }, /never expires/],
    [{ grace: 10, ttl: Infinity }, /never expires/],
    [{ stale: 10 }, /never expires/],
  ])('of %j is refused, and nothing is stored', async (given, message) => {
    const cache = hyperCacheOn(await start(), 'n');
    await expect(cache.set('key', 1, given as object)).rejects.toMatchObject({
      code: 'HC_ARGUMENT_INVALID',
      message: expect.stringMatching(message),
    });
    await expect(cache.mset([{ key: 'key', value: 1, ...(given as object) }])).rejects.toThrow();
    expect(await cache.has('key')).toBe(false);
  });

  it.each([
    { ttl: '10s', stale: '0ms', grace: 0 },
    { ttl: '10s', stale: '1m', grace: '1w' },
    { ttl: 1, grace: 8.64e15 },
  ] as const)('of %j is taken', async (given) => {
    const cache = hyperCacheOn(await start(), 'n');
    await cache.set('key', 1, given);
    expect(await cache.getEntry('key', { stale: true })).toMatchObject({ value: 1 });
  });
});
