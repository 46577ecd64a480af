import { describe, expect, it } from '@jest/globals';
import { promote } from '../../../lib/admin/promote.js';
import type { HyperCacheNode, NodeCache } from '../../../lib/node/hyper-cache-node.js';
import { useDirectClusters } from '../../support/clusters.js';
import { eventually } from '../../support/eventually.js';
import { ManualClock } from '../../support/manual-clock.js';

const clusters = useDirectClusters();
const KEPT = { ttl: 1000, grace: 60_000 };

const of = (node: HyperCacheNode): NodeCache => node.cache('default');
/** What is read of the key, and what is kept of it. */
const seenOn = async (node: HyperCacheNode, key = 'key'): Promise<unknown[]> => {
  const kept = await of(node).findStale(key);
  return [await of(node).get(key), kept?.value];
};

describe.each(['feed', 'none', 'shared'] as const)(
  "Stale entries of a cluster, replica '%s'",
  (replica) => {
    it.each([true, false])('are stale on all nodes, asyncRequests %s', async (asyncRequests) => {
      const clock = new ManualClock();
      const sqlitePath = clusters.directory();
      const primary = await clusters.primary({ sqlitePath }, { clock });
      const { node } = await clusters.secondary(
        primary,
        { replica, asyncRequests, ...(replica === 'shared' && { sqlitePath }) },
        { clock },
      );
      await of(node).set('key', 'v', KEPT);
      await node.flush();
      const { freshUntil, expiresAt } = (await of(primary).find('key')) ?? {};
      expect([freshUntil, expiresAt]).toEqual([clock.now() + 1000, clock.now() + 61_000]);
      await eventually(async () => expect(await seenOn(node)).toEqual(['v', 'v']));
      clock.advance(1000);
      for (const each of [primary, node]) expect(await seenOn(each)).toEqual([undefined, 'v']);
      expect(await of(node).add('key', 'new')).toBe(true);
    });

    it('are made so by any node', async () => {
      const sqlitePath = clusters.directory();
      const primary = await clusters.primary({ sqlitePath });
      const { node } = await clusters.secondary(primary, {
        replica,
        ...(replica === 'shared' && { sqlitePath }),
      });
      const nodes = [primary, node];
      for (const [writer, other] of [nodes, nodes.toReversed()] as HyperCacheNode[][]) {
        if (writer === undefined || other === undefined) throw new Error();
        await of(writer).mset([
          { key: 'a', value: 1, ...KEPT, tags: ['t'] },
          { key: 'b', value: 2, ...KEPT },
          { key: 'key', value: 'v', ...KEPT },
        ]);
        await eventually(async () => expect(await seenOn(other)).toEqual(['v', 'v']));
        expect(await of(writer).expireTag('t')).toBe(1);
        expect(await of(writer).expirePrefix('b')).toBe(1);
        expect(await of(writer).expire('key')).toBe(true);
        // At once on the node itself.
        for (const key of ['a', 'b', 'key']) expect((await seenOn(writer, key))[0]).toBeUndefined();
        await eventually(async () => expect(await seenOn(other)).toEqual([undefined, 'v']));
        expect(await seenOn(other, 'a')).toEqual([undefined, 1]);
        expect(await seenOn(other, 'b')).toEqual([undefined, 2]);
      }
    });
  },
);

describe('Stale entries', () => {
  it('are part of a snapshot, and of what follows it', async () => {
    const clock = new ManualClock();
    const primary = await clusters.primary({}, { clock });
    await of(primary).set('key', 'v', KEPT);
    clock.advance(1000);
    const { node } = await clusters.secondary(primary, {}, { clock });
    await eventually(() => expect(node.stats()).toMatchObject({ replica: { isReady: true } }));
    expect(await seenOn(node)).toEqual([undefined, 'v']);
    await of(primary).set('tagged', 'w', { ...KEPT, tags: ['t'] });
    await eventually(async () => expect(await seenOn(node, 'tagged')).toEqual(['w', 'w']));
    clock.advance(1000);
    expect(await seenOn(node, 'tagged')).toEqual([undefined, 'w']);
  });

  it('outlive a restart, as those do that were made stale', async () => {
    const clock = new ManualClock();
    const sqlitePath = clusters.directory();
    const first = await clusters.primary({ sqlitePath }, { clock });
    await of(first).set('key', 'v', KEPT);
    await of(first).set('expired', 'w', { ...KEPT, ttl: 1_000_000 });
    await of(first).expire('expired');
    await first.close();
    clock.advance(1000);
    const second = await clusters.primary({ sqlitePath }, { clock });
    expect(await seenOn(second)).toEqual([undefined, 'v']);
    expect(await seenOn(second, 'expired')).toEqual([undefined, 'w']);
  });

  it('are there when a secondary has become the primary', async () => {
    const clock = new ManualClock();
    const primary = await clusters.primary({}, { clock });
    const sqlitePath = clusters.directory();
    const { node } = await clusters.secondary(primary, { sqlitePath }, { clock });
    await of(primary).set('key', 'v', KEPT);
    await eventually(async () => expect(await seenOn(node)).toEqual(['v', 'v']));
    await node.close();
    await primary.close();
    await promote(sqlitePath);
    clock.advance(1000);
    const promoted = await clusters.primary({ sqlitePath }, { clock });
    expect(await seenOn(promoted)).toEqual([undefined, 'v']);
  });
});
