import { afterEach, describe, expect, it } from '@jest/globals';
import { WithLock } from '../../lib/nest/decorators/with-lock.decorator.js';
import { createCacheManagerCache } from '../../lib/keyv/cache-manager-cache.js';
import { HyperCache } from '../../lib/nest/hyper-cache.service.js';
import { advanceDate, useFrozenDate } from '../support/frozen-date.js';
import { useSharedNode } from '../support/nodes.js';

const KEY = 'key';

describe('A duration in the place of milliseconds', () => {
  useFrozenDate();
  const node = useSharedNode();
  const cache = (): HyperCache => new HyperCache(node(), node().cache('durations'));
  afterEach(async () => {
    await cache().clear();
  });

  type Write = (cache: HyperCache, ttl: '5m') => Promise<unknown>;
  const WRITES: readonly [name: string, write: Write][] = [
    ['set', (to, ttl) => to.set(KEY, 1, ttl)],
    ['set with options', (to, ttl) => to.set(KEY, 1, { ttl })],
    ['mset', (to, ttl) => to.mset([{ key: KEY, value: 1, ttl }])],
    ['add', (to, ttl) => to.add(KEY, 1, ttl)],
    ['setIf', (to, ttl) => to.setIf(KEY, 1, 0, { ttl })],
    ['increment', (to, ttl) => to.increment(KEY, 1, { ttl })],
    ['decrement', (to, ttl) => to.decrement(KEY, 1, { ttl })],
    ['wrap', (to, ttl) => to.wrap(KEY, () => 1, ttl)],
    ['wrap with options', (to, ttl) => to.wrap(KEY, () => 1, { ttl })],
    ['wrap with a function', (to, ttl) => to.wrap(KEY, () => 1, { ttl: () => ttl })],
    [
      'touch',
      async (to, ttl) => {
        await to.set(KEY, 1, 10);
        await to.touch(KEY, ttl);
      },
    ],
    ['a Keyv store', async (to, ttl) => to.keyvStore().set(KEY, '1', ttl as never)],
    [
      'CACHE_MANAGER.set',
      (_to, ttl) =>
        createCacheManagerCache(node().cache('durations'), async () => {}).set(
          KEY,
          1,
          ttl as never,
        ),
    ],
    [
      'CACHE_MANAGER.wrap',
      (_to, ttl) =>
        createCacheManagerCache(node().cache('durations'), async () => {}).wrap(KEY, () => 1, {
          ttl: ttl as never,
        }),
    ],
  ];

  it.each(WRITES)('is taken by %s', async (_name, write) => {
    await write(cache(), '5m');

    await expect(cache().ttl(KEY)).resolves.toBe(Date.now() + 300_000);
    await advanceDate(300_000);
    await expect(cache().has(KEY)).resolves.toBe(false);
  });

  it.each(WRITES.filter(([name]) => name !== 'touch'))(
    'is refused by %s when it has no unit or a wrong one',
    async (_name, write) => {
      for (const text of ['5', '', '-5m', '5 m', '1.5.2h', '5min', 'never']) {
        // A text in the place of wrap's options is the name of a policy; it is refused as well.
        await expect(async () => write(cache(), text as never)).rejects.toMatchObject({
          code: expect.stringMatching(/^HC_(TTL|ARGUMENT)_INVALID$/),
        });
      }
      await expect(cache().has(KEY)).resolves.toBe(false);
    },
  );

  it('is taken by locks: ttl, wait, maxHold, and by extend', async () => {
    const lock = cache().lock(KEY, { ttl: '10s', wait: '1s', maxHold: '1h' });

    await expect(lock.acquire({ wait: '2s' })).resolves.toBe(true);
    const [held] = await cache().locks();
    expect(held?.remaining).toBeGreaterThan(9000);
    expect(held?.remaining).toBeLessThanOrEqual(10_000);
    await expect(lock.extend('1m')).resolves.toBe(true);
    const [extended] = await cache().locks();
    expect(extended?.remaining).toBeGreaterThan(50_000);
    await lock.release();
    await cache().flush('5s');
  });

  it('is refused by locks and by flush without its unit, in words that say what to write', async () => {
    const words = {
      code: 'HC_ARGUMENT_INVALID',
      message: expect.stringContaining('a duration such as'),
    };
    const refused = [
      () => cache().lock(KEY, { ttl: '10' as never }),
      () => cache().lock(KEY, { ttl: '0s' }),
      () => cache().lock(KEY, { ttl: '2w' }),
      () => cache().lock(KEY, { ttl: '10s', wait: '1' as never }),
      () => cache().lock(KEY, { ttl: '10s', maxHold: '0s' }),
      () => cache().semaphore(KEY, { ttl: 'x' as never, limit: 1 }),
      () => cache().restoreLock(KEY, 'owner', { ttl: '5' as never }),
      () => WithLock(KEY, { ttl: '5' as never }),
    ];
    for (const call of refused) expect(call).toThrow(expect.objectContaining(words));
    await expect(cache().flush('5' as never)).rejects.toMatchObject(words);
  });
});
