import { describe, expect, it } from '@jest/globals';
import { setImmediate } from 'node:timers/promises';
import type { HyperCacheNode } from '../../../lib/node/hyper-cache-node.js';
import { useDirectClusters } from '../../support/clusters.js';
import { deferred } from '../../support/deferred.js';
import { eventually } from '../../support/eventually.js';

const clusters = useDirectClusters();

const revisionOf = async (node: HyperCacheNode): Promise<number> => (await node.stats()).revision;

/** Resolves when a secondary has everything that the primary has committed. */
async function caughtUp(primary: HyperCacheNode, secondary: HyperCacheNode): Promise<void> {
  const head = await revisionOf(primary);
  await eventually(async () => expect(await revisionOf(secondary)).toBeGreaterThanOrEqual(head));
}

describe('a secondary', () => {
  it('starts with what the primary holds', async () => {
    const primary = await clusters.primary();
    await primary.cache('default').set('key', { a: [1, 2, 3] });
    const { cache, node } = await clusters.secondary(primary);

    expect(await cache.get('key')).toEqual({ a: [1, 2, 3] });
    expect(await node.stats()).toMatchObject({
      role: 'secondary',
      replica: { isReady: true, isConnected: true, snapshots: 1, lag: 0 },
    });
  });

  it('follows what the primary commits', async () => {
    const primary = await clusters.primary();
    const { cache, node } = await clusters.secondary(primary);
    await primary.cache('default').set('key', 'value', { tags: ['t'] });
    await caughtUp(primary, node);

    expect(await cache.get('key')).toBe('value');
    await primary.cache('default').delete('key');
    await caughtUp(primary, node);
    expect(await cache.get('key')).toBeUndefined();
  });

  it('reads what it has written, and so does the primary', async () => {
    const primary = await clusters.primary();
    const { cache } = await clusters.secondary(primary);
    await cache.set('key', { n: 1 }, { tags: ['t'] });

    expect(await cache.get('key')).toEqual({ n: 1 });
    expect(await primary.cache('default').get('key')).toEqual({ n: 1 });
    expect(await cache.increment('counter', 2)).toBe(2);
    expect(await cache.get('counter')).toBe(2);
    expect(await cache.add('key', 1)).toBe(false);
    expect(await cache.deleteTag('t')).toBe(1);
    expect(await cache.get('key')).toBeUndefined();
    expect(await cache.clear()).toBe(1);
    expect(await cache.get('counter')).toBeUndefined();
    expect(await primary.cache('default').get('counter')).toBeUndefined();
  });

  it('sends what one turn writes in one request', async () => {
    const primary = await clusters.primary();
    const { cache, client } = await clusters.secondary(primary);
    const before = client.exchanges;
    await Promise.all(Array.from({ length: 100 }, (_, i) => cache.set(`k${i}`, i)));

    expect(client.exchanges - before).toBe(1);
  });

  it('is closed, for each who closes it, when nothing is in flight any more', async () => {
    const primary = await clusters.primary();
    const { cache, node, client } = await clusters.secondary(primary);
    const { endpoint } = client;
    if (endpoint === undefined) throw new Error('There is no primary.');
    const sent = deferred<void>();
    const answered = deferred<void>();
    client.endpoint = {
      feed: (request, sink) => endpoint.feed(request, sink),
      wait: (request, sink) => endpoint.wait(request, sink),
      async exchange(request) {
        sent.resolve();
        await answered.promise;
        return endpoint.exchange(request);
      },
    };
    const ended: string[] = [];
    const write = cache.set('key', 1).then(() => ended.push('write'));
    await sent.promise;
    const closes = ['first', 'second'].map((who) => node.close().then(() => ended.push(who)));
    await setImmediate();
    answered.resolve();
    await Promise.all([write, ...closes]);

    expect(ended).toEqual(['write', 'first', 'second']);
  });

  it('resumes after its connection was cut, without a snapshot', async () => {
    const primary = await clusters.primary();
    const { cache, node, client } = await clusters.secondary(primary);
    client.cut();
    await primary.cache('default').set('key', 'meanwhile');
    await caughtUp(primary, node);

    expect(await cache.get('key')).toBe('meanwhile');
    expect(await node.stats()).toMatchObject({ replica: { snapshots: 1 } });
  });
});
