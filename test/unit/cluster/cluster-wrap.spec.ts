import { describe, expect, it } from '@jest/globals';
import type { HyperCacheNode } from '../../../lib/node/hyper-cache-node.js';
import { useDirectClusters } from '../../support/clusters.js';
import { deferred } from '../../support/deferred.js';
import { eventually } from '../../support/eventually.js';

const clusters = useDirectClusters();
const CALLERS = 1000;
const TTL = 600_000;

async function startThree(): Promise<HyperCacheNode[]> {
  const primary = await clusters.primary();
  const first = await clusters.secondary(primary);
  const second = await clusters.secondary(primary);
  return [primary, first.node, second.node];
}

/** Resolves when all have what the first has. */
function level(nodes: readonly HyperCacheNode[]): Promise<void> {
  return eventually(async () => {
    const revisions = await Promise.all(nodes.map(async (node) => (await node.stats()).revision));
    expect(new Set(revisions).size).toBe(1);
  });
}

const getAll = (nodes: readonly HyperCacheNode[]): Promise<unknown[]> =>
  Promise.all(nodes.map((node) => node.cache('default').get('key')));

describe('wrap in a cluster', () => {
  it('calls the factory once for a thousand callers on three nodes', async () => {
    const nodes = await startThree();
    let calls = 0;
    const factory = async (): Promise<object> => {
      calls++;
      await new Promise((resolve) => setImmediate(resolve));
      return { call: calls };
    };
    const entries = await Promise.all(
      Array.from({ length: CALLERS }, (_, i) =>
        nodes[i % nodes.length]?.cache('default').wrap('key', factory, { ttl: TTL }),
      ),
    );

    expect(calls).toBe(1);
    expect(entries.map((entry) => entry?.value)).toEqual(entries.map(() => ({ call: 1 })));
    await level(nodes);
    expect(await getAll(nodes)).toEqual(nodes.map(() => ({ call: 1 })));
  });

  it('calls it once for each of many keys', async () => {
    const nodes = await startThree();
    const calls = new Map<string, number>();
    await Promise.all(
      Array.from({ length: CALLERS }, (_, i) => {
        const key = `key-${i % 50}`;
        return nodes[i % nodes.length]?.cache('default').wrap(key, () => {
          calls.set(key, (calls.get(key) ?? 0) + 1);
          return key;
        });
      }),
    );

    expect(Array.from(calls.values())).toEqual(Array.from({ length: 50 }, () => 1));
  });

  it('calls that of the next node when the first one fails', async () => {
    const [primary, first, second] = await startThree();
    const begun = deferred<void>();
    const fails = deferred<never>();
    const failing = first?.cache('default').wrap('key', () => {
      begun.resolve();
      return fails.promise;
    });
    await begun.promise;
    const other = second?.cache('default').wrap('key', () => 'from the other');
    await eventually(() => expect(primary?.stats()).toMatchObject({ lockWaiters: 1 }));
    fails.reject(new Error('the origin is down'));

    await expect(failing).rejects.toThrow('the origin is down');
    await expect(other).resolves.toMatchObject({ value: 'from the other' });
  });

  const NODES = [
    ['the primary', 0],
    ['a secondary', 1],
  ] as const;
  const WRITERS = [
    ['the primary', 0],
    ['the same node', 1],
    ['another secondary', 2],
  ] as const;
  const CHANGES: readonly [string, (node: HyperCacheNode) => Promise<unknown>, unknown][] = [
    ['a set', (node) => node.cache('default').set('key', 'newer'), 'newer'],
    ['a deletion', (node) => node.cache('default').delete('key'), undefined],
    ['a clear', (node) => node.cache('default').clear(), undefined],
    ['a deletion by prefix', (node) => node.cache('default').deletePrefix('ke'), undefined],
    [
      'a set and a deletion',
      async (node) => {
        await node.cache('default').set('key', 'newer');
        await node.cache('default').delete('key');
      },
      undefined,
    ],
  ];
  const CASES = NODES.flatMap(([where, at]) =>
    WRITERS.flatMap(([who, by]) =>
      CHANGES.map(([what, change, left]) => ({ where, at, who, by, what, change, left })),
    ),
  );

  it.each(CASES)(
    'what the factory of $where makes gives way to $what by $who',
    async ({ at, by, change, left }) => {
      const nodes = await startThree();
      const [primary] = nodes;
      const node = nodes[at];
      const writer = nodes[by];
      if (primary === undefined || node === undefined || writer === undefined) throw new Error();
      // So that there is a namespace to clear, and a log that begins before.
      await primary.cache('default').set('other', 1);
      await level(nodes);
      const begun = deferred<void>();
      const made = deferred<string>();
      const wrapped = node.cache('default').wrap('key', () => {
        begun.resolve();
        return made.promise;
      });
      await begun.promise;
      await change(writer);
      made.resolve('late');

      expect(await wrapped).toMatchObject({ value: 'late' });
      await level(nodes);
      expect(await getAll(nodes)).toEqual(nodes.map(() => left));
    },
  );

  it('whose node sees a deletion later than it is done stores nothing either', async () => {
    const primary = await clusters.primary();
    const { node, cache, client } = await clusters.secondary(primary, { timeout: 60_000 });
    const begun = deferred<void>();
    const made = deferred<string>();
    await cache.set('key', 'old');
    await cache.delete('key');
    const wrapped = cache.wrap('key', () => {
      begun.resolve();
      return made.promise;
    });
    await begun.promise;
    client.hold();
    await primary.cache('default').set('key', 'newer');
    await primary.cache('default').delete('key');
    made.resolve('late');
    await eventually(() => expect(node.stats()).toMatchObject({ queued: 1 }));
    client.release();

    expect(await wrapped).toMatchObject({ value: 'late' });
    await level([primary, node]);
    expect(await getAll([primary, node])).toEqual([undefined, undefined]);
  });

  it('without a replica is one flight as well', async () => {
    const primary = await clusters.primary();
    const nodes = [
      (await clusters.secondary(primary, { replica: 'none' })).node,
      (await clusters.secondary(primary, { replica: 'none' })).node,
    ];
    let calls = 0;
    const values = await Promise.all(
      Array.from({ length: 200 }, async (_, i) => {
        const entry = await nodes[i % 2]?.cache('default').wrap('key', () => ++calls);
        return entry?.value;
      }),
    );

    expect(new Set(values)).toEqual(new Set([1]));
    const begun = deferred<void>();
    const made = deferred<string>();
    const wrapped = nodes[0]?.cache('default').wrap('late', () => {
      begun.resolve();
      return made.promise;
    });
    await begun.promise;
    await nodes[1]?.cache('default').set('late', 'newer');
    made.resolve('late');
    await wrapped;
    expect(await primary.cache('default').get('late')).toBe('newer');
  });

  it.each(['none', 'feed'] as const)(
    "does not join a factory from before a deletion, with replica '%s'",
    async (replica) => {
      const primary = await clusters.primary();
      const { node, cache } = await clusters.secondary(primary, { replica });
      for (const deleter of [cache, primary.cache('default')]) {
        const begun = deferred<void>();
        const made = deferred<string>();
        const before = cache.wrap('key', () => {
          begun.resolve();
          return made.promise;
        });
        await begun.promise;
        await deleter.delete('key');
        if (replica === 'feed') await level([primary, node]);
        expect(await cache.wrap('key', () => 'new', { ttl: TTL })).toMatchObject({ value: 'new' });
        made.resolve('old');
        await before;
        expect(await cache.get('key')).toBe('new');
        await cache.delete('key');
      }
    },
  );

  it('joins a factory while the primary is away, unless this node has written since', async () => {
    const primary = await clusters.primary();
    const { cache, client } = await clusters.secondary(primary, { replica: 'none' });
    const begun = deferred<void>();
    const made = deferred<string>();
    const first = cache.wrap('key', () => {
      begun.resolve();
      return made.promise;
    });
    await begun.promise;
    client.endpoint = undefined;
    const second = cache.wrap('key', () => 'never called');
    // It has looked in vain when a later look has ended.
    expect(await cache.get('other')).toBeUndefined();
    await expect(cache.delete('other')).rejects.toMatchObject({ code: 'HC_PRIMARY_UNREACHABLE' });
    expect(await cache.wrap('key', () => 'after a write')).toMatchObject({
      value: 'after a write',
    });
    made.resolve('made');
    expect(await first).toMatchObject({ value: 'made' });
    expect(await second).toMatchObject({ value: 'made' });
  });
});
