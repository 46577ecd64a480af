import { describe, expect, it } from '@jest/globals';
import { promote } from '../../../lib/admin/promote.js';
import type { HyperCacheNode, NodeCache } from '../../../lib/node/hyper-cache-node.js';
import type { HyperCacheOptions } from '../../../lib/node/options.js';
import { useDirectClusters } from '../../support/clusters.js';
import { deferred } from '../../support/deferred.js';
import { eventually } from '../../support/eventually.js';
import { ManualClock } from '../../support/manual-clock.js';

const clusters = useDirectClusters();
const down = new Error('the origin is down');
const KEPT = { ttl: 10_000, stale: 0, grace: 600_000 };
const of = (node: HyperCacheNode | undefined): NodeCache => {
  if (node === undefined) throw new Error();
  return node.cache('default');
};

function level(nodes: readonly HyperCacheNode[]): Promise<void> {
  return eventually(async () => {
    const revisions = await Promise.all(nodes.map(async (node) => (await node.stats()).revision));
    expect(new Set(revisions).size).toBe(1);
  });
}

async function startThree(options: HyperCacheOptions = {}) {
  const clock = new ManualClock();
  const sqlitePath = clusters.directory();
  const primary = await clusters.primary({ sqlitePath }, { clock });
  const own = options.replica === 'shared' ? { ...options, sqlitePath } : options;
  const first = await clusters.secondary(primary, own, { clock });
  const second = await clusters.secondary(primary, own, { clock });
  return {
    clock,
    nodes: [primary, first.node, second.node],
    clients: [first.client, second.client],
  };
}

const countFactories = async (nodes: readonly HyperCacheNode[]): Promise<number> => {
  const stats = await Promise.all(nodes.map((node) => node.stats()));
  return stats.reduce((sum, { caches }) => sum + (caches['default']?.factories ?? 0), 0);
};

describe('Policies in a cluster', () => {
  it('refresh a stale value by one factory for a thousand calls on three nodes', async () => {
    const { clock, nodes } = await startThree();
    const policy = { ttl: 10_000, stale: 20_000 };
    await of(nodes[0]).set('key', 'old', policy);
    await level(nodes);
    clock.advance(11_000);
    const made = deferred<string>();
    let calls = 0;
    const factory = (): Promise<string> => {
      calls++;
      return made.promise;
    };
    const served = await Promise.all(
      Array.from({ length: 1000 }, (_, i) => of(nodes[i % 3]).wrapValue('key', factory, policy)),
    );
    expect(new Set(served)).toEqual(new Set(['old']));
    await eventually(() => expect(calls).toBe(1));
    made.resolve('new');
    await eventually(async () => {
      const seen = await Promise.all(nodes.map((node) => of(node).get('key')));
      expect(seen).toEqual(['new', 'new', 'new']);
    });
    expect(await countFactories(nodes)).toBe(1);
  });

  it('call an origin that is down once in `retryAfter`, whichever node is asked', async () => {
    const { clock, nodes } = await startThree();
    await of(nodes[0]).set('key', 'old', KEPT);
    await level(nodes);
    clock.advance(11_000);
    let calls = 0;
    const factory = (): never => {
      calls++;
      throw down;
    };
    for (let round = 0; round < 3; round++) {
      for (const node of nodes) {
        expect(await of(node).wrap('key', factory, KEPT)).toMatchObject({ value: 'old' });
      }
    }
    expect(calls).toBe(1);
    clock.advance(10_500);
    await eventually(async () => {
      // Who was told that another one is about it asks again after a second.
      clock.advance(1000);
      expect(await of(nodes[2]).wrapValue('key', () => 'healed', KEPT)).toBe('healed');
    });
    await level(nodes);
    expect(await of(nodes[1]).get('key')).toBe('healed');
  });

  const REMOVALS: readonly [string, (cache: NodeCache) => Promise<unknown>][] = [
    ['del', (cache) => cache.delete('key')],
    ['delByTag', (cache) => cache.deleteTag('t')],
    ['delByPrefix', (cache) => cache.deletePrefix('ke')],
    ['clear', (cache) => cache.clear()],
  ];

  it.each(REMOVALS)(
    'never serve what %s on another node has removed while the factory ran',
    async (_verb, remove) => {
      const { clock, nodes } = await startThree();
      await of(nodes[1]).set('key', 'old', { ...KEPT, tags: ['t'] });
      await level(nodes);
      clock.advance(11_000);
      for (const [at, by] of [
        [1, 0],
        [0, 2],
        [1, 2],
      ] as const) {
        await of(nodes[0]).set('key', 'old', { ...KEPT, tags: ['t'] });
        await level(nodes);
        clock.advance(11_000);
        const begun = deferred<void>();
        const fails = deferred<never>();
        const wrapped = of(nodes[at]).wrap(
          'key',
          () => {
            begun.resolve();
            return fails.promise;
          },
          KEPT,
        );
        await begun.promise;
        await remove(of(nodes[by]));
        await level(nodes);
        fails.reject(down);
        await expect(wrapped).rejects.toBe(down);
      }
    },
  );

  it('serve stale and in grace while the primary is away', async () => {
    const { clock, nodes, clients } = await startThree();
    await of(nodes[0]).set('key', 'old', KEPT);
    await level(nodes);
    clock.advance(11_000);
    const [client] = clients;
    if (client !== undefined) client.endpoint = undefined;
    let calls = 0;
    const fails = (): never => {
      calls++;
      throw down;
    };
    expect(await of(nodes[1]).wrap('key', fails, KEPT)).toMatchObject({ value: 'old' });
    expect(await of(nodes[1]).wrap('key', fails, KEPT)).toMatchObject({ reason: 'throttled' });
    expect(calls).toBe(1);
    clock.advance(10_000);
    // What cannot be stored is returned, and counts as a failure.
    expect(await of(nodes[1]).wrap('key', () => 'new', KEPT)).toMatchObject({ value: 'new' });
    expect(await of(nodes[1]).wrap('key', fails, KEPT)).toMatchObject({ reason: 'throttled' });
  });

  it("of a node that has lost its primary with onPrimaryLost 'miss' serve nothing", async () => {
    const clock = new ManualClock();
    const primary = await clusters.primary({}, { clock });
    const options = { onPrimaryLost: 'miss', staleAfter: 1 } as const;
    const { node, client } = await clusters.secondary(primary, options, { clock });
    await of(node).set('key', 'old', KEPT);
    clock.advance(11_000);
    client.endpoint = undefined;
    client.cut();
    await eventually(() => {
      clock.advance(100);
      expect(node.stats()).toMatchObject({ replica: { isStale: true } });
    });
    await expect(of(node).wrap('key', () => Promise.reject(down), KEPT)).rejects.toBe(down);
  });

  it('keep grace through a restart and a promotion', async () => {
    const clock = new ManualClock();
    const primary = await clusters.primary({}, { clock });
    const sqlitePath = clusters.directory();
    const { node } = await clusters.secondary(primary, { sqlitePath }, { clock });
    await of(node).wrap('key', () => 'old', KEPT);
    await level([primary, node]);
    await node.close();
    await primary.close();
    promote(sqlitePath);
    clock.advance(11_000);
    const promoted = await clusters.primary({ sqlitePath }, { clock });
    const fails = (): Promise<never> => Promise.reject(down);
    expect(await of(promoted).wrap('key', fails, KEPT)).toMatchObject({
      value: 'old',
      reason: 'error',
    });
  });

  it.each(['none', 'feed', 'shared'] as const)(
    "work with replica '%s', and refresh what another node has expired",
    async (replica) => {
      const { clock, nodes } = await startThree({ replica });
      // A node without a replica reads what the primary has.
      const settle = (): Promise<void> | undefined =>
        replica === 'none' ? undefined : level(nodes);
      await of(nodes[0]).set('key', 'old', KEPT);
      await settle();
      clock.advance(11_000);
      const fails = (): never => {
        throw down;
      };
      expect(await of(nodes[1]).wrap('key', fails, KEPT)).toMatchObject({ value: 'old' });
      await of(nodes[2]).expire('key');
      await settle();
      expect(await of(nodes[1]).wrapValue('key', () => 'new', KEPT)).toBe('new');
      await of(nodes[2]).expire('key');
      await settle();
      expect(await of(nodes[0]).get('key')).toBeUndefined();
      expect(await of(nodes[0]).wrap('key', fails, KEPT)).toMatchObject({ value: 'new' });
    },
  );

  it('tell an answer that is no failure on each node, and call the origin for it each time', async () => {
    const { clock, nodes } = await startThree();
    await of(nodes[0]).set('key', 'old', KEPT);
    await level(nodes);
    clock.advance(11_000);
    const notFound = new Error('no such product');
    let calls = 0;
    const factory = (): never => {
      calls++;
      throw notFound;
    };
    const policy = { ...KEPT, graceOn: (error: unknown) => error !== notFound };
    for (const node of nodes) {
      await expect(of(node).wrap('key', factory, policy)).rejects.toBe(notFound);
    }
    expect(calls).toBe(3);
  });

  it('softTimeout serves the stale value on each node, and the new one is on all when it comes', async () => {
    const { clock, nodes } = await startThree();
    await of(nodes[0]).set('key', 'old', KEPT);
    await level(nodes);
    clock.advance(11_000);
    const made = deferred<string>();
    let calls = 0;
    const factory = (): Promise<string> => {
      calls++;
      return made.promise;
    };
    const policy = { ...KEPT, softTimeout: 5 };
    expect(await of(nodes[1]).wrap('key', factory, policy)).toMatchObject({
      value: 'old',
      reason: 'timeout',
    });
    // Another node is about it.
    for (const node of [nodes[0], nodes[2]]) {
      expect(await of(node).wrap('key', factory, policy)).toMatchObject({ value: 'old' });
    }
    made.resolve('new');
    await eventually(async () => {
      const seen = await Promise.all(nodes.map((node) => of(node).get('key')));
      expect(seen).toEqual(['new', 'new', 'new']);
    });
    expect(calls).toBe(1);
  });

  it.each([
    ['continue', 'late', 'late'],
    ['abort', undefined, 'own'],
  ] as const)(
    "timeout of a cold call with '%s': other nodes find %p, and make %p",
    async (onTimeout, found, wrapped) => {
      const { nodes } = await startThree();
      const made = deferred<string>();
      let aborted: AbortSignal | undefined;
      const factory = ({ signal }: { signal: AbortSignal }): Promise<string> => {
        aborted = signal;
        return made.promise;
      };
      const policy = { ttl: 10_000, timeout: 5, onTimeout };
      await expect(of(nodes[1]).wrap('key', factory, policy)).rejects.toMatchObject({
        code: 'HC_FACTORY_TIMEOUT',
      });
      await eventually(() => expect(aborted?.aborted).toBe(onTimeout === 'abort'));
      made.resolve('late');
      if (found !== undefined) {
        await eventually(async () => expect(await of(nodes[2]).get('key')).toBe(found));
      }
      await level(nodes);
      expect(await of(nodes[2]).get('key')).toBe(found);
      expect(await of(nodes[2]).wrapValue('key', () => 'own', policy)).toBe(wrapped);
    },
  );

  it('tags that a factory sets are known to all nodes', async () => {
    const { nodes } = await startThree();
    const given = { ttl: 10_000, tags: ['a'] };
    await of(nodes[1]).wrap(
      'key',
      (context) => {
        context.set({ tags: ['b'] });
        return 'v';
      },
      given,
    );
    await level(nodes);
    expect(given).toEqual({ ttl: 10_000, tags: ['a'] });
    expect(await of(nodes[2]).deleteTag('a')).toBe(0);
    expect(await of(nodes[2]).deleteTag('b')).toBe(1);
    await level(nodes);
    expect(await Promise.all(nodes.map((node) => of(node).get('key')))).toEqual(
      Array(3).fill(undefined),
    );
  });

  it('a fresh value calls no factory on any node; beyond its windows it is made once', async () => {
    const { clock, nodes } = await startThree();
    const policy = { ttl: 10_000, stale: 20_000 };
    await of(nodes[0]).set('key', 'old', policy);
    await level(nodes);
    clock.advance(9000);
    const fails = (): never => {
      throw down;
    };
    for (const node of nodes) expect(await of(node).wrapValue('key', fails, policy)).toBe('old');
    clock.advance(22_000);
    let calls = 0;
    const factory = (): string => `new ${++calls}`;
    const all = await Promise.all(nodes.map((node) => of(node).wrapValue('key', factory, policy)));
    expect(all).toEqual(Array(3).fill('new 1'));
  });

  it('add finds a stale entry missing, whichever node asks', async () => {
    const { clock, nodes } = await startThree();
    for (const node of nodes) {
      await of(node).set('key', 'old', KEPT);
      await level(nodes);
      clock.advance(11_000);
      expect(await of(node).add('key', 'added', { ttl: 10_000 })).toBe(true);
      expect(await of(node).add('key', 'again', { ttl: 10_000 })).toBe(false);
      await level(nodes);
      expect(await of(nodes[0]).get('key')).toBe('added');
    }
  });

  it('a fresh call overtakes the factories of other nodes', async () => {
    const { nodes } = await startThree();
    const begun = deferred<void>();
    const made = deferred<string>();
    await of(nodes[0]).set('key', 'old', { ttl: 60_000 });
    await level(nodes);
    await of(nodes[1]).wrap(
      'key',
      () => {
        begun.resolve();
        return made.promise;
      },
      { ttl: 60_000, refreshThreshold: 120_000 },
    );
    await begun.promise;
    const policy = { ttl: 60_000, fresh: true };
    expect(await of(nodes[2]).wrapValue('key', () => 'fresh', policy)).toBe('fresh');
    made.resolve('older');
    await eventually(async () =>
      expect((await nodes[1]?.stats())?.caches['default']).toMatchObject({ fillsRefused: 1 }),
    );
    await level(nodes);
    expect(await of(nodes[0]).get('key')).toBe('fresh');
  });
});
