import { expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { crc16 } from '../../lib/redis/key-slot.js';
import { isLinked, useRedisCluster } from '../support/redis-nodes.js';
import type { RedisServer } from '../support/redis-servers.js';
import { describeWithServer } from '../support/redis-suites.js';

const KEYS = Array.from({ length: 200 }, (_, i) => `key-${i}`);

describeWithServer('A node of a cluster', () => {
  const redis = useRedisCluster();

  it('divides a namespace among the masters', async () => {
    const node = await redis.node();
    const cache = node.cache('n');
    await cache.mset(KEYS.map((key) => ({ key, value: key })));

    for (const master of redis.cluster.masters) {
      expect(master.cli('--scan', '--pattern', '{hc:n:*}:e:*').split('\n').length).toBeGreaterThan(
        20,
      );
    }
    expect(await cache.mget(KEYS)).toEqual(KEYS);
    const found: string[] = [];
    for await (const key of cache.keys('key')) found.push(key);
    expect(found.toSorted()).toEqual(KEYS.toSorted());
    const { engine } = await node.stats();
    expect(engine?.address?.split(', ')).toHaveLength(3);
  });

  it('keeps memory coherent with other nodes', async () => {
    const [one, other] = [await redis.node(), await redis.node()];
    for (const key of KEYS) {
      await one.cache('n').set(key, 1);
      await eventually(async () => {
        await other.cache('n').get(key);
        expect(other.cache('n').get(key)).toBe(1);
      });
      await one.cache('n').set(key, 2);
      await eventually(async () => expect(await other.cache('n').get(key)).toBe(2));
    }
  });

  it('executes what concerns all buckets', async () => {
    const cache = (await redis.node()).cache('n');
    const fill = () => cache.mset(KEYS.map((key) => ({ key, value: 1, tags: ['tag'] })));
    await fill();
    expect(await cache.deleteTag('tag')).toBe(KEYS.length);
    await fill();
    expect(await cache.deletePrefix('key-1')).toBe(111);
    expect(await cache.mget(KEYS)).toEqual(
      KEYS.map((key) => (key.startsWith('key-1') ? undefined : 1)),
    );
    await cache.clear();
    expect(await cache.mget(KEYS)).toEqual(KEYS.map(() => undefined));
  });

  it('wants a server of the cluster, and says so', async () => {
    const [{ port } = { port: 0 }] = redis.cluster.nodes;
    await expect(
      redis.node({ cluster: undefined, url: `redis://127.0.0.1:${port}` }),
    ).rejects.toMatchObject({
      code: 'HC_SERVER_UNFIT',
      message: expect.stringContaining('write cluster'),
    });
  });

  it('starts with one server of the list', async () => {
    const cluster = [{ host: '127.0.0.1', port: 1 }, ...redis.cluster.nodes.slice(0, 1)];
    const node = await redis.node({ cluster });
    await node.cache('n').set('key', 1);
    expect(isLinked(node)).toBe(true);
  });
});

describeWithServer('A slot of a cluster that moves', () => {
  const redis = useRedisCluster();
  const bucketOf = (key: string) => redis.cluster.slotOf(slotKey(key));
  /** Where the entry of a key is, with 64 buckets. */
  const slotKey = (key: string) => `{hc:n:${String(crc16(key) % 64).padStart(2, '0')}}`;
  const targetFor = (key: string): RedisServer => {
    const owner = redis.cluster.masterOf(slotKey(key));
    const target = redis.cluster.masters.find((master) => master !== owner);
    if (target === undefined) throw new Error('There is one master only.');
    return target;
  };

  it('is read where its keys are, and drops memory when it has arrived', async () => {
    const node = await redis.node();
    const cache = node.cache('n');
    await cache.set('key', 1);
    await eventually(async () => {
      await cache.get('key');
      expect(cache.get('key')).toBe(1);
    });
    const slot = bucketOf('key');
    const target = targetFor('key');

    redis.cluster.beginMove(slot, target);
    expect(await cache.get('key')).toBe(1);
    redis.cluster.moveKeys(slot, target);
    await eventually(() => expect(cache.get('key')).not.toBe(1));
    expect(await cache.get('key')).toBe(1);
    redis.cluster.endMove(slot, target);
    expect(await cache.get('key')).toBe(1);
    await cache.set('key', 2);
    expect(await cache.get('key')).toBe(2);
    expect(target.cli('EXISTS', `${slotKey('key')}:e:key`)).toBe('1');
  });

  it('lets writes wait until it has arrived, in their order', async () => {
    const node = await redis.node();
    const cache = node.cache('n');
    await cache.set('key', 0);
    const slot = bucketOf('key');
    const target = targetFor('key');
    redis.cluster.beginMove(slot, target);
    redis.cluster.moveKeys(slot, target);

    let settled = 0;
    const writes = [1, 2, 3].map((value) => cache.set('key', value).finally(() => settled++));
    const last = cache.increment('key', 1).finally(() => settled++);
    await cache.set('other', 1);
    expect(settled).toBe(0);
    redis.cluster.endMove(slot, target);

    await Promise.all(writes);
    expect(await last).toBe(4);
    expect(await cache.get('key')).toBe(4);
  });

  it('fails a write that waits for longer than its timeout, which was not executed', async () => {
    const cache = (await redis.node({ timeout: 300 })).cache('n');
    await cache.set('key', 1);
    const slot = bucketOf('key');
    const target = targetFor('key');
    redis.cluster.beginMove(slot, target);

    await expect(cache.set('key', 2)).rejects.toMatchObject({ code: 'HC_SERVER_UNREACHABLE' });
    expect(await cache.get('key')).toBe(1);
    redis.cluster.moveKeys(slot, target);
    redis.cluster.endMove(slot, target);
    expect(await cache.get('key')).toBe(1);
    await cache.set('key', 3);
  });

  it('does not hide its keys from a deletion by prefix that is past its new master', async () => {
    const cache = (await redis.node()).cache('n');
    const keys = Array.from({ length: 3000 }, (_, i) => `key-${i}`);
    await cache.mset(keys.map((key) => ({ key, value: 1 })));
    const walked = redis.cluster.masters.toSorted((a, b) => a.port - b.port);
    const [first, last] = [walked[0], walked.at(-1)];
    const entriesOn = (server: RedisServer | undefined, pattern = '*'): string[] =>
      server?.cli('--scan', '--pattern', `{hc:n:${pattern}}:e:*`).split('\n').filter(Boolean) ?? [];

    const deleting = cache.deletePrefix('key');
    await eventually(() => expect(entriesOn(first)).toEqual([]));
    // The node's turn is over only when the slot has moved.
    const [left = ''] = entriesOn(last);
    expect(left).not.toBe('');
    const slot = redis.cluster.slotOf(left);
    if (first !== undefined) redis.cluster.moveSlot(slot, first);
    expect(entriesOn(first)).not.toEqual([]);
    await deleting;

    for (const master of walked) expect(entriesOn(master)).toEqual([]);
  });

  it('keeps locks and their order', async () => {
    const [one, other] = [await redis.node(), await redis.node()];
    const held = one.locks.lock('job', { ttl: 5000 });
    await held.acquire();
    const next = other.locks.lock('job', { ttl: 5000 });
    const waiting = next.acquire({ wait: 10_000 });
    await eventually(async () => expect((await other.stats()).lockWaiters).toBe(1));
    const slot = redis.cluster.slotOf('{hc!lock:00}');
    const owner = redis.cluster.masterOf('{hc!lock:00}');
    const target = redis.cluster.masters.find((master) => master !== owner);
    if (target === undefined) throw new Error('There is one master only.');
    redis.cluster.moveSlot(slot, target);
    const token = held.token;
    await held.release();
    await waiting;
    expect(next.token).toBeGreaterThan(token ?? Infinity);
    await next.release();
  });
});
