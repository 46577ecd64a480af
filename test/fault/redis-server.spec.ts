import { afterEach, describe, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import type { HyperCacheNode } from '../../lib/node/hyper-cache-node.js';
import { eventually } from '../support/eventually.js';
import { isLinked, PROGRAM, sessionsOf, useRedis } from '../support/redis-nodes.js';

const LOADING = ['--key-load-delay', '1500', '--loading-process-events-interval-bytes', '1024'];

(PROGRAM === undefined ? describe.skip : describe)('Nodes whose server fails', () => {
  const cluster = useRedis();
  const cli = (...args: string[]): string => cluster.server.cli(...args);

  afterEach(() => {
    cli('CONFIG', 'SET', 'maxmemory', '0');
    cli('REPLICAOF', 'NO', 'ONE');
  });

  async function pair(): Promise<[HyperCacheNode, HyperCacheNode]> {
    return [await cluster.node({ timeout: 500 }), await cluster.node({ timeout: 500 })];
  }

  /** In memory of the node. */
  async function heat(node: HyperCacheNode, key: string): Promise<void> {
    await eventually(async () => {
      await node.cache('n').get(key);
      expect(node.cache('n').get(key)).not.toBeInstanceOf(Promise);
    });
  }

  it('store nothing when its memory is full, and go on with all that frees it', async () => {
    const [one] = await pair();
    const cache = one.cache('n');
    await cache.set('key', 1, { tags: ['tag'] });
    await cache.set('plain', 1);
    await cache.set('pre-1', 1);
    const lock = one.locks.lock('lock', { ttl: 5000 });
    await lock.acquire();
    cli('CONFIG', 'SET', 'maxmemory', '1', 'maxmemory-policy', 'noeviction');

    const full = { code: 'HC_STORAGE_FULL' };
    await expect(cache.set('new', 1)).rejects.toMatchObject(full);
    await expect(cache.set('new', 1, { tags: ['tag'] })).rejects.toMatchObject(full);
    await expect(cache.add('new', 1)).rejects.toMatchObject(full);
    await expect(cache.increment('count', 1)).rejects.toMatchObject(full);
    expect(await cache.get('key')).toBe(1);
    expect((await cache.wrap('made', () => 'value')).value).toBe('value');
    expect(await lock.extend(5000)).toBe(true);
    await lock.release();
    const late = await cluster.node();
    expect(await late.cache('n').get('plain')).toBe(1);
    expect(await late.cache('n').delete('plain')).toBe(true);
    expect(await cache.deletePrefix('pre-')).toBe(1);
    expect(await cache.deleteTag('tag')).toBe(1);
    await cache.clear();
    expect(await late.locks.lock('lock', { ttl: 5000 }).acquire()).toBe(true);

    cli('CONFIG', 'SET', 'maxmemory', '0');
    await cache.set('new', 1);
    expect(await late.cache('n').get('new')).toBe(1);
  });

  it('write nothing to a master that became a replica, and go on when it is a master', async () => {
    const [one, other] = await pair();
    await one.cache('n').set('key', 1);
    await heat(other, 'key');
    cli('REPLICAOF', '127.0.0.1', '1');

    await expect(one.cache('n').set('key', 2)).rejects.toMatchObject({
      code: 'HC_SERVER_UNREACHABLE',
    });
    await eventually(() => expect(isLinked(other)).toBe(false));
    expect(await other.cache('n').get('key')).toBeUndefined();

    cli('REPLICAOF', 'NO', 'ONE');
    await eventually(() => one.cache('n').set('key', 3));
    await eventually(async () => expect(await other.cache('n').get('key')).toBe(3));
  });

  it.each([
    ['with its data', true],
    ['without its data', false],
  ])('come back when it was killed and started %s', async (_how, keepsData) => {
    const [one, other] = await pair();
    for (let i = 0; i < 1000; i++) void one.cache('n').set(`filler-${i}`, i);
    await one.cache('n').set('key', 1);
    await one.cache('n').set('deleted', 1);
    await heat(other, 'key');
    await heat(other, 'deleted');
    await one.cache('n').delete('deleted');
    const { revision } = await one.cache('n').getWithRevision('key');
    if (keepsData) cli('SAVE');
    const sessions = await sessionsOf(other);
    const failovers: string[] = [];
    other.on('engine:failover', ({ address }) => failovers.push(address));
    cluster.server.stop();
    await eventually(() => expect(isLinked(one) || isLinked(other)).toBe(false));
    expect(await other.cache('n').get('key')).toBeUndefined();
    await expect(one.cache('n').set('key', 2)).rejects.toMatchObject({
      code: 'HC_SERVER_UNREACHABLE',
    });

    cluster.server.start(...(keepsData ? LOADING : ['--dbfilename', 'none.rdb']));
    if (keepsData) expect(cli('INFO', 'persistence')).toContain('loading:1');
    await eventually(async () => expect(await sessionsOf(other)).toBeGreaterThan(sessions));
    await eventually(() => expect(isLinked(other) && isLinked(one)).toBe(true));

    expect(failovers).toEqual([`127.0.0.1:${cluster.server.port}`]);
    expect(await other.cache('n').get('key')).toBe(keepsData ? 1 : undefined);
    expect(await other.cache('n').get('deleted')).toBeUndefined();
    await one.cache('n').set('key', 3);
    expect(await other.cache('n').get('key')).toBe(3);
    const after = await one
      .cache('n')
      .setIf('key', 4, (await other.cache('n').getWithRevision('key')).revision);
    expect(after.stored).toBe(true);
    expect(after.revision).toBeGreaterThan(revision);
    expect(cluster.reported).toContain('HC_SERVER_UNREACHABLE');
  });

  it('load their scripts again when these are flushed', async () => {
    const [one, other] = await pair();
    await one.cache('n').increment('count', 1);
    const counting = Promise.all(
      Array.from({ length: 300 }, async (_, i) => {
        if (i % 100 === 0) cli('SCRIPT', 'FLUSH');
        await (i % 2 === 0 ? one : other).cache('n').increment('count', 1);
      }),
    );
    await counting;

    expect(await one.cache('n').get('count')).toBe(301);
    expect(cluster.reported).toEqual([]);
  });

  it('forget all when it is flushed while they run', async () => {
    const [one, other] = await pair();
    const cache = other.cache('n');
    await one.cache('n').set('key', 1);
    await one.cache('n').set('tagged', 1, { tags: ['tag'] });
    await heat(other, 'key');
    await heat(other, 'tagged');
    const made = cache.wrap('made', async () => {
      cli('FLUSHALL');
      return 'before';
    });

    expect((await made).value).toBe('before');
    await eventually(async () => expect(await cache.get('key')).toBeUndefined());
    expect(await cache.get('tagged')).toBeUndefined();
    expect(await one.cache('n').get('made')).toBeUndefined();
    await one.cache('n').set('tagged', 2, { tags: ['tag'] });
    await one.cache('n').set('key', 2);
    expect(await cache.get('tagged')).toBe(2);
    await heat(other, 'key');
    await one.cache('n').set('key', 3);
    await eventually(async () => expect(await cache.get('key')).toBe(3));
    expect(await one.cache('n').deleteTag('tag')).toBe(1);
    await eventually(async () => expect(await cache.get('tagged')).toBeUndefined());
  });

  it('go on when its clock is set back by an hour', async () => {
    const [one, other] = await pair();
    await one.cache('n').set('key', 1);
    await one.cache('n').set('tagged', 1, { tags: ['tag'] });
    await one.cache('n').set('deleted', 1);
    await heat(other, 'deleted');
    const lock = one.locks.lock('lock', { ttl: 2000 });
    await lock.acquire();
    const token = lock.token ?? 0;
    await lock.release();
    cluster.server.setClock(Date.now() - 3_600_000);

    await one.cache('n').delete('deleted');
    expect(await one.cache('n').deletePrefix('ke')).toBe(1);
    expect(await one.cache('n').deleteTag('tag')).toBe(1);
    await eventually(() => {
      for (const node of [one, other])
        expect(node.health().incidents.lastMinute).toBeGreaterThan(0);
    });
    for (const key of ['key', 'tagged', 'deleted']) {
      expect(await other.cache('n').get(key)).toBeUndefined();
    }
    await one.cache('n').set('key', 2, { ttl: 60_000 });
    expect(await other.cache('n').get('key')).toBe(2);
    await one.cache('n').clear();
    await eventually(async () => expect(await other.cache('n').get('key')).toBeUndefined());
    await one.cache('n').set('key', 3);
    expect(await other.cache('n').get('key')).toBe(3);
    expect(await one.cache('n').deletePrefix('ke')).toBe(1);
    const again = other.locks.lock('lock', { ttl: 2000 });
    await again.acquire();
    expect(again.token).toBeGreaterThan(token);
  });

  it('fail at once or soon, and close, while it is stopped', async () => {
    const [one] = await pair();
    await one.cache('n').set('key', 1);
    cluster.server.signal('SIGSTOP');
    const beganAt = performance.now();

    await expect(one.cache('n').set('key', 2)).rejects.toMatchObject({
      code: 'HC_OUTCOME_UNKNOWN',
    });
    await expect(one.cache('n').set('key', 3)).rejects.toMatchObject({
      code: 'HC_SERVER_UNREACHABLE',
    });
    await one.close();
    expect(performance.now() - beganAt).toBeLessThan(2000);
    await delay(0);
  });
});
