import { describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { useDirectClusters } from '../../support/clusters.js';
import { eventually } from '../../support/eventually.js';
import { ManualClock } from '../../support/manual-clock.js';
import { useNodes } from '../../support/nodes.js';
import { useTemporaryDirectories } from '../../support/temporary-directory.js';

describe('stats of a node', () => {
  const startNode = useNodes();
  const newDirectory = useTemporaryDirectories();

  describe('ratios', () => {
    it('are 0 when nothing was read', async () => {
      const node = await startNode();
      node.cache('n');

      const none = { l1: 0, l2: 0, primary: 0, total: 0 };
      expect(await node.stats()).toMatchObject({ ratios: none, caches: { n: { ratios: none } } });
    });

    it('are the part of all reads that each layer answered, and add up', async () => {
      const sqlitePath = newDirectory();
      const first = await startNode({ sqlitePath });
      await first.cache('n').set('a', 1);
      await first.close();
      const node = await startNode({ sqlitePath });

      await node.cache('n').mget(['a', 'a', 'a', 'missing']);
      expect(await node.stats()).toMatchObject({
        ratios: { l1: 0.5, l2: 0.25, primary: 0, total: 0.75 },
      });
    });

    it('are those of each cache, and of all together', async () => {
      const node = await startNode();
      await node.cache('one').set('a', 1);
      await node.cache('one').mget(['a', 'a', 'a']);
      node.cache('other').get('missing');

      expect(await node.stats()).toMatchObject({
        ratios: { l1: 0.75, total: 0.75 },
        caches: {
          one: { l1Hits: 3, ratios: { l1: 1, total: 1 } },
          other: { misses: 1, ratios: { l1: 0, total: 0 } },
        },
      });
    });
  });

  describe('locksHeld and lockWaiters', () => {
    it('count locks and slots that are held, and who waits for one', async () => {
      const clock = new ManualClock();
      const node = await startNode({}, { clock });
      const lock = node.locks.lock('a', { ttl: 1000 });
      const slots = [1, 2].map(() => node.locks.semaphore('s', { ttl: 5000, limit: 2 }));
      expect(await node.stats()).toMatchObject({ locksHeld: 0, lockWaiters: 0 });

      await lock.acquire();
      for (const slot of slots) await slot.acquire();
      const waiting = node.locks.lock('a', { ttl: 1000, wait: 10_000 }).acquire();
      await eventually(async () =>
        expect(await node.stats()).toMatchObject({ locksHeld: 3, lockWaiters: 1 }),
      );

      await lock.release();
      expect(await waiting).toBe(true);
      expect(await node.stats()).toMatchObject({ locksHeld: 3, lockWaiters: 0 });
      clock.advance(1000);
      expect(await node.stats()).toMatchObject({ locksHeld: 2 });
    });

    it('do not count the right to call a factory', async () => {
      const node = await startNode({ apiToken: [randomBytes(24).toString('base64url')] });
      const held = await node.cache('n').wrap('a', async () => (await node.stats()).locksHeld);

      expect(held.value).toBe(0);
    });
  });
});

describe('stats of a cluster', () => {
  const clusters = useDirectClusters();

  it('tell on the primary who follows it, and on a secondary what it follows', async () => {
    const primary = await clusters.primary();
    const { node, cache } = await clusters.secondary(primary);
    await cache.set('a', 1);

    await eventually(async () => {
      const { revision, replicas } = await primary.stats();
      expect(revision).toBe(1);
      expect(replicas).toEqual([
        { id: expect.any(String), revision: 1, lag: 0, snapshot: false, bufferedBytes: 0 },
      ]);
    });
    const { replica, locksHeld } = await node.stats();
    expect(replica).toMatchObject({ isReady: true, isConnected: true, lag: 0, snapshots: 1 });
    expect(replica?.lagMs).toBeGreaterThanOrEqual(0);
    expect(locksHeld).toBeUndefined();
  });

  it('count on the primary the locks of secondaries, and those who wait there', async () => {
    const primary = await clusters.primary();
    const { node } = await clusters.secondary(primary);
    const lock = node.locks.lock('a', { ttl: 60_000 });
    await lock.acquire();
    const waiting = node.locks.lock('a', { ttl: 60_000, wait: 60_000 }).acquire();

    await eventually(async () => {
      expect(await primary.stats()).toMatchObject({ locksHeld: 1, lockWaiters: 1 });
      expect(await node.stats()).toMatchObject({ lockWaiters: 1 });
    });
    await lock.release();
    expect(await waiting).toBe(true);
  });
});
