import { describe, expect, it } from '@jest/globals';
import type { HyperCacheNode } from '../../../lib/node/hyper-cache-node.js';
import { useDirectClusters } from '../../support/clusters.js';
import { eventually } from '../../support/eventually.js';

const clusters = useDirectClusters();

/** Larger than what a stream takes before it asks to wait. */
const LARGE = 'x'.repeat(100_000);
/** More than what the primary puts into one batch of changes. */
const MANY = 700;

const revisionOf = async (node: HyperCacheNode): Promise<number> => (await node.stats()).revision;

/** Resolves when a node has come to a revision. */
function reached(node: HyperCacheNode, revision: number): Promise<void> {
  return eventually(async () => expect(await revisionOf(node)).toBeGreaterThanOrEqual(revision));
}

async function setMany(node: HyperCacheNode, count: number, value: unknown): Promise<void> {
  const cache = node.cache('default');
  await Promise.all(Array.from({ length: count }, (_, i) => cache.set(`other-${i}`, value)));
}

describe('a secondary reads its own write', () => {
  it('or a later one, although it was overwritten before it could be sent', async () => {
    const primary = await clusters.primary();
    const { cache, node, client } = await clusters.secondary(primary);
    client.hold();
    await primary.cache('default').set('large', LARGE);
    const written = cache.set('key', 'mine').then(() => cache.get('key'));
    await reached(primary, 2);
    await setMany(primary, MANY, 'theirs');
    await primary.cache('default').set('key', 'theirs');
    client.hold(2);
    await reached(node, 3);
    client.release();

    expect(await written).toBe('theirs');
  });

  it('after changes that are too large for one batch', async () => {
    const primary = await clusters.primary();
    const { cache, node, client } = await clusters.secondary(primary);
    client.hold();
    await primary.cache('default').set('large', LARGE);
    const written = cache.set('key', 'mine').then(() => cache.get('key'));
    await reached(primary, 2);
    await setMany(primary, 10, LARGE);
    await primary.cache('default').set('key', 'theirs');
    client.hold(2);
    await reached(node, 3);
    client.release();

    expect(await written).toBe('theirs');
  });

  it('before its first snapshot has come, and after', async () => {
    const primary = await clusters.primary();
    await setMany(primary, 100, 'before');
    const { cache, node, client } = await clusters.secondary(undefined);
    client.hold();
    client.endpoint = primary.sync;
    await eventually(() => expect(client.feeds.length).toBeGreaterThan(1));
    // The greeting, the beginning, the page and the end; not what was written meanwhile.
    await eventually(() =>
      expect(primary.stats()).toMatchObject({ replicas: [{ snapshot: false }] }),
    );
    await cache.set('key', 'mine');
    await primary.cache('default').set('seen', 'by the primary');
    expect(await cache.get('seen')).toBe('by the primary');
    client.hold(4);
    await reached(node, 100);

    expect(await cache.get('key')).toBe('mine');
    expect(await cache.get('seen')).toBe('by the primary');
    client.release();
    await eventually(() => expect(node.stats()).toMatchObject({ replica: { isReady: true } }));
    expect(await cache.get('key')).toBe('mine');
    expect(await cache.get('seen')).toBe('by the primary');
  });

  it('from what waits, while its change does not arrive', async () => {
    const primary = await clusters.primary();
    const { cache, node, client } = await clusters.secondary(primary, { timeout: 50 });
    await cache.set('gone', 'before');
    client.hold();
    await primary.cache('default').set('large', LARGE);
    await cache.set('key', 'mine');
    expect(await cache.delete('gone')).toBe(true);
    expect(await cache.mget(['key', 'gone'])).toEqual(['mine', undefined]);
    await primary.cache('default').set('gone', 'theirs');
    await primary.cache('default').set('key', 'theirs');
    expect(await cache.mget(['key', 'gone'])).toEqual(['mine', undefined]);
    await node.flush();

    await expect(cache.increment('n', 1)).rejects.toMatchObject({ code: 'HC_REPLICA_BEHIND' });
    client.release();
    await reached(node, await revisionOf(primary));
    expect(await cache.mget(['key', 'gone', 'n'])).toEqual(['theirs', 'theirs', 1]);
  });

  it.each([false, true])(
    'as long as few of them wait: then it is told that it cannot (asyncRequests: %s)',
    async (asyncRequests) => {
      const primary = await clusters.primary();
      const { cache, node, client } = await clusters.secondary(primary, {
        asyncRequests,
        timeout: 50,
        outboxMaxEntries: 5,
      });
      await cache.set('key-5', 'before');
      await reached(node, await revisionOf(primary));
      await node.flush();
      client.hold();
      await primary.cache('default').set('large', LARGE);
      for (let i = 0; i < 5; i++) {
        await cache.set(`key-${i}`, 'mine');
        await node.flush();
      }
      const failure = { code: 'HC_REPLICA_BEHIND' };
      await expect(cache.set('key-5', 'mine')).rejects.toMatchObject(failure);
      await expect(cache.delete('key-5')).rejects.toMatchObject(failure);

      const keys = ['key-0', 'key-4', 'key-5'];
      expect(await cache.mget(keys)).toEqual(['mine', 'mine', 'before']);
      client.release();
      await reached(node, await revisionOf(primary));
      expect(await cache.mget(keys)).toEqual(['mine', 'mine', undefined]);
      await cache.set('key-5', 'again');
      expect(await cache.get('key-5')).toBe('again');
    },
  );

  it('and the answer to an operation, while the primary has another history, only if it is here', async () => {
    const first = await clusters.primary();
    await setMany(first, 10, 'first');
    const { cache, client } = await clusters.secondary(first, { timeout: 100 });
    const second = await clusters.primary();
    client.endpoint = second.sync;
    client.cut();
    await eventually(() => expect(client.feeds.length).toBeGreaterThan(2));

    await cache.set('key', 'mine');
    expect(await cache.get('key')).toBe('mine');
    await expect(cache.increment('n', 1)).rejects.toMatchObject({ code: 'HC_REPLICA_BEHIND' });
  });

  it('while its feed is cut, from the answer to the write', async () => {
    const primary = await clusters.primary();
    const { cache, client } = await clusters.secondary(primary);
    const { sync } = primary;
    if (sync === undefined) throw new Error('A primary can be followed.');
    client.endpoint = {
      exchange: (request) => sync.exchange(request),
      wait: (request, sink) => sync.wait(request, sink),
      feed: (_request, sink) => void sink.destroy(new Error('cut')),
    };
    client.cut();
    await primary.cache('default').set('other', 1);
    await cache.set('key', 'mine');

    expect(await cache.get('key')).toBe('mine');
    expect(await cache.get('other')).toBe(1);
  });

  it('and takes no part of the changes for all, when the log no longer has them', async () => {
    const primary = await clusters.primary({ changeLogEntries: 10, sweepInterval: 1 });
    const { cache, node, client } = await clusters.secondary(primary, { timeout: 100 });
    client.endpoint = undefined;
    client.cut();
    await setMany(primary, 500, 'meanwhile');
    const { sync } = primary;
    if (sync === undefined) throw new Error('A primary can be followed.');
    await primary.cache('default').set('last', 1);
    await eventually(async () => {
      client.endpoint = undefined;
      const trimmed = await clusters.secondary(primary);
      expect(trimmed.client.feeds).toHaveLength(1);
    });
    client.endpoint = {
      exchange: (request) => sync.exchange(request),
      wait: (request, sink) => sync.wait(request, sink),
      feed: (_request, sink) => void sink.destroy(new Error('cut')),
    };
    await expect(cache.add('key', 'mine')).rejects.toMatchObject({ code: 'HC_REPLICA_BEHIND' });
    client.endpoint = sync;
    await reached(node, await revisionOf(primary));

    expect(await cache.get('other-0')).toBe('meanwhile');
    expect(await cache.get('key')).toBe('mine');
  });
});
