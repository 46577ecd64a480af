import { expect, it } from '@jest/globals';
import { PartialError } from '../../lib/common/server-errors.js';
import { useRedis } from '../support/redis-nodes.js';
import { describeWithServer } from '../support/redis-suites.js';

const KEYS = Array.from({ length: 40 }, (_, i) => `key-${i}`);
const VERSION_OF_TAG = '{hc:n:02}:t:tag';

describeWithServer('A namespace in several buckets', () => {
  const redis = useRedis();

  it('has its entries in all of them', async () => {
    const cache = (await redis.node({ buckets: 4 })).cache('n');
    await cache.mset(KEYS.map((key) => ({ key, value: 1 })));

    for (const bucket of ['00', '01', '02', '03']) {
      expect(redis.server.cli('--scan', '--pattern', `{hc:n:${bucket}}:e:*`)).not.toBe('');
    }
    expect(await cache.mget(KEYS)).toEqual(KEYS.map(() => 1));
  });

  it('finds a key that has the form of a key of the server', async () => {
    const cache = (await redis.node({ buckets: 4 })).cache('n');
    const hostile = '{hc:n:01}:e:key';
    await cache.set(hostile, 1);
    await cache.set('key', 2);

    const found: string[] = [];
    for await (const key of cache.keys('{hc')) found.push(key);
    expect(found).toEqual([hostile]);
    expect(await cache.deletePrefix('k')).toBe(1);
    expect(await cache.get(hostile)).toBe(1);
  });

  it('refuses another number than that of the entries, and says which', async () => {
    await redis.node({ buckets: 4 });

    await expect(redis.node({ buckets: 8 })).rejects.toMatchObject({
      code: 'HC_SERVER_UNFIT',
      message: expect.stringContaining('write buckets: 4'),
    });
  });

  it('takes the entries of an earlier version for those of one bucket', async () => {
    redis.server.cli('HSET', 'hc!layout', 'layout', '1');

    await expect(redis.node({ buckets: 4 })).rejects.toMatchObject({
      message: expect.stringContaining('write buckets: 1'),
    });
    await expect(redis.node()).resolves.toBeDefined();
  });

  it('says in how many buckets a deletion has failed, and deletes the others', async () => {
    const cache = (await redis.node({ buckets: 4 })).cache('n');
    await cache.mset(KEYS.map((key) => ({ key, value: 1, tags: ['tag'] })));
    redis.server.cli('DEL', VERSION_OF_TAG);
    redis.server.cli('RPUSH', VERSION_OF_TAG, 'foreign');

    const failure = await cache.deleteTag('tag').catch((error: unknown) => error);

    expect(failure).toBeInstanceOf(PartialError);
    expect(failure).toMatchObject({
      code: 'HC_PARTIAL',
      done: 3,
      left: 1,
      cause: { code: 'HC_STORAGE_FOREIGN' },
    });
    redis.server.cli('DEL', VERSION_OF_TAG);
    await cache.deleteTag('tag');
    expect(await cache.mget(KEYS)).toEqual(KEYS.map(() => undefined));
  });

  it('keeps what is set after a clear that has not yet resolved', async () => {
    const cache = (await redis.node({ buckets: 64 })).cache('n');
    const cleared = cache.clear();
    const stored = cache.mset(KEYS.map((key) => ({ key, value: 1 })));
    await Promise.all([cleared, stored]);

    expect(await cache.mget(KEYS)).toEqual(KEYS.map(() => 1));
  });
});
