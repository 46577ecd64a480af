import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { EventTopic } from '../../../lib/common/event-topic.js';
import type {
  HyperCacheEvent,
  HyperCacheEvents,
  HyperCacheListener,
} from '../../../lib/common/events.js';
import type { HyperCacheNode } from '../../../lib/node/hyper-cache-node.js';
import { useDirectClusters } from '../../support/clusters.js';
import { deferred } from '../../support/deferred.js';
import { eventually } from '../../support/eventually.js';
import { ManualClock } from '../../support/manual-clock.js';
import { useNodes } from '../../support/nodes.js';
import { useTemporaryDirectories } from '../../support/temporary-directory.js';

type Told = { [E in HyperCacheEvent]: [E, HyperCacheEvents[E]] }[HyperCacheEvent];

const OF_CALLS = ['hit', 'miss', 'set', 'del', 'clear'] as const;

/** What a node tells of the calls on it, in order. */
function record(node: HyperCacheNode, events: readonly HyperCacheEvent[] = OF_CALLS): Told[] {
  const told: Told[] = [];
  for (const event of events) {
    node.on(event, (payload) => told.push([event, payload] as Told));
  }
  return told;
}

const stored = (key: string): Told => ['set', { namespace: 'n', key }];
const deleted = (key: string): Told => ['del', { namespace: 'n', key }];
const missed = (key: string): Told => ['miss', { namespace: 'n', key }];
const hit = (key: string, layer: 'l1' | 'l2' | 'primary'): Told => [
  'hit',
  { namespace: 'n', key, layer },
];

describe('events of a primary', () => {
  const startNode = useNodes();
  const newDirectory = useTemporaryDirectories();

  describe('hit and miss', () => {
    it('tell of every read, and which layer answered', async () => {
      const sqlitePath = newDirectory();
      const first = await startNode({ sqlitePath });
      await first.cache('n').set('a', 1);
      await first.close();
      const node = await startNode({ sqlitePath });
      const cache = node.cache('n');
      const told = record(node);

      await cache.get('a');
      await cache.get('a');
      await cache.find('a');
      await cache.get('missing');
      expect(told).toEqual([hit('a', 'l2'), hit('a', 'l1'), hit('a', 'l1'), missed('missing')]);
    });

    it('tell of each key of several', async () => {
      const node = await startNode();
      const cache = node.cache('n');
      await cache.set('a', 1);
      const told = record(node);

      await cache.mget(['a', 'b']);
      expect(told).toEqual([hit('a', 'l1'), missed('b')]);
    });

    it('come from L2 each time when L1 is off, whether or not the write is committed', async () => {
      const node = await startNode({ l1: false });
      const cache = node.cache('n');
      const write = cache.set('a', 1);
      const told = record(node, ['hit', 'miss']);

      await cache.get('a');
      await write;
      await cache.get('a');
      await cache.get('b');
      expect(told).toEqual([hit('a', 'l2'), hit('a', 'l2'), missed('b')]);
    });

    it('tell of an expired entry as of a missing one', async () => {
      const clock = new ManualClock();
      const node = await startNode({}, { clock });
      const cache = node.cache('n');
      await cache.set('a', 1, { ttl: 1000 });
      const told = record(node);

      clock.advance(1000);
      await cache.get('a');
      expect(told).toEqual([missed('a')]);
    });

    it('tell of one miss for each caller of wrap, then of hits', async () => {
      const node = await startNode();
      const cache = node.cache('n');
      const told = record(node);

      await Promise.all([cache.wrap('a', async () => 1), cache.wrap('a', async () => 2)]);
      await cache.wrap('a', async () => 3);
      expect(told).toEqual([missed('a'), missed('a'), stored('a'), hit('a', 'l1')]);
      expect(await node.stats()).toMatchObject({ caches: { n: { misses: 2, l1Hits: 1 } } });
    });
  });

  describe('set', () => {
    it('tells of what was stored, by whichever verb, and of nothing else', async () => {
      const node = await startNode();
      const cache = node.cache('n');
      const told = record(node);

      await cache.set('a', 1);
      await cache.mset([
        { key: 'b', value: 1 },
        { key: 'c', value: 2 },
      ]);
      await cache.add('d', 1);
      await cache.add('d', 2);
      await cache.increment('e', 1);
      await cache.setIf('f', 1, 0);
      await cache.setIf('f', 1, 0);
      await cache.touch('a', 1000);
      expect(told).toEqual(['a', 'b', 'c', 'd', 'e', 'f'].map(stored));
    });

    it('is told when the write is committed, before its promise resolves', async () => {
      const node = await startNode();
      const cache = node.cache('n');
      const told = record(node);

      const write = cache.set('a', 1);
      expect(told).toEqual([]);
      const toldWhenResolved = await write.then(() => [...told]);
      expect(toldWhenResolved).toEqual([stored('a')]);
    });

    it('tells of a relaxed write when it is committed', async () => {
      const node = await startNode({ durability: 'relaxed' });
      const cache = node.cache('n');
      const told = record(node);

      await cache.set('a', 1);
      expect(told).toEqual([]);
      await node.flush();
      expect(told).toEqual([stored('a')]);
    });

    it('is not told of a write that was refused', async () => {
      const node = await startNode();
      const cache = node.cache('n');
      await cache.set('text', 'x');
      const told = record(node);

      await expect(cache.increment('text', 1)).rejects.toMatchObject({ code: 'HC_NOT_AN_INTEGER' });
      await node.close();
      await expect(cache.set('a', 1)).rejects.toMatchObject({ code: 'HC_CLOSED' });
      expect(told).toEqual([]);
    });
  });

  describe('del and clear', () => {
    it('tell of what was deleted, by whichever verb, and of nothing else', async () => {
      const node = await startNode();
      const cache = node.cache('n');
      for (const key of ['a', 'b', 'c', 'p:1', 'p:2']) await cache.set(key, 1);
      await cache.set('tagged', 1, { tags: ['t'] });
      await cache.set('left', 1);
      const told = record(node);

      await cache.delete('a');
      await cache.delete('a');
      await cache.mdelete(['b', 'missing']);
      await cache.pull('c');
      await cache.pull('c');
      await cache.deletePrefix('p:');
      await cache.deleteTag('t');
      await cache.clear();
      expect(told).toEqual([
        ...['a', 'b', 'c', 'p:1', 'p:2', 'tagged'].map(deleted),
        ['clear', { namespace: 'n', deleted: 1 }],
      ]);
    });
  });

  it('tell of a deletion when a refresh finds that the origin has the entry no more', async () => {
    const node = await startNode();
    const cache = node.cache('n');
    await cache.set('a', 1, { ttl: 60_000 });
    const told = record(node, ['set', 'del']);

    await cache.wrap('a', () => undefined, { refreshThreshold: 120_000 });
    await eventually(() => expect(told).toEqual([deleted('a')]));
    expect(cache.get('a')).toBeUndefined();
    expect(await node.stats()).toMatchObject({ caches: { n: { sets: 1, deletes: 1 } } });
  });

  it('tell which cache it was', async () => {
    const node = await startNode();
    const told = record(node);

    await node.cache('one').set('a', 1);
    await node.cache('other').get('a');
    expect(told).toEqual([
      ['set', { namespace: 'one', key: 'a' }],
      ['miss', { namespace: 'other', key: 'a' }],
    ]);
  });

  it('hold neither values nor options', async () => {
    const node = await startNode();
    const cache = node.cache('n');
    const told = record(node);

    await cache.set('a', 'the value', { ttl: 1000, tags: ['the tag'] });
    await cache.get('a');
    await cache.delete('a');
    expect(JSON.stringify(told)).not.toMatch(/the value|the tag|1000/);
    expect(told).toHaveLength(3);
  });

  it('are no longer told to who was taken off', async () => {
    const node = await startNode();
    const heard = jest.fn<HyperCacheListener<'miss'>>();
    node.on('miss', heard);
    node.off('miss', heard);

    await node.cache('n').get('a');
    expect(heard).not.toHaveBeenCalled();
  });

  it('cost nothing but a question when nobody listens', async () => {
    const tell = jest.spyOn(EventTopic.prototype, 'emit');
    try {
      const node = await startNode();
      const cache = node.cache('n');
      await cache.set('a', 1);
      await cache.get('a');
      await cache.get('missing');
      await cache.wrap('w', () => 1);
      await cache.increment('i', 1);
      await cache.mset([{ key: 'b', value: 1 }]);
      await cache.delete('a');
      await cache.pull('b');
      await cache.deletePrefix('w');
      expect(tell).not.toHaveBeenCalled();

      const told = record(node, ['del']);
      await cache.get('i');
      await cache.delete('i');
      expect(told).toEqual([deleted('i')]);
      expect(tell).toHaveBeenCalledTimes(1);
    } finally {
      tell.mockRestore();
    }
  });

  describe('when a listener throws', () => {
    const warnings: unknown[] = [];
    beforeEach(() => {
      warnings.length = 0;
      jest.spyOn(process, 'emitWarning').mockImplementation((warning) => {
        warnings.push(warning);
      });
    });
    afterEach(() => {
      jest.restoreAllMocks();
    });

    it('do what was asked all the same, for it and for its neighbours', async () => {
      const node = await startNode();
      const cache = node.cache('n');
      for (const event of OF_CALLS) {
        node.on(event, () => {
          throw new Error(`from the listener of ${event}`);
        });
      }

      const writes = [cache.set('a', 1), cache.increment('b', 1), cache.add('c', 1)];
      expect(await Promise.all(writes)).toEqual([1, 1, true]);
      expect(cache.get('a')).toBe(1);
      expect(cache.get('missing')).toBeUndefined();
      expect(await cache.pull('c')).toBe(1);
      expect(await cache.delete('a')).toBe(true);
      expect(await cache.clear()).toBe(1);
      expect(warnings).toHaveLength(OF_CALLS.length);
      for (const warning of warnings) expect(warning).toContain('from the listener of');
    });
  });

  it('may be answered with calls on the cache', async () => {
    const node = await startNode();
    const cache = node.cache('n');
    const written = deferred<number>();
    node.on('set', ({ key }) => {
      if (key === 'a') cache.set('mirror', 1).then(written.resolve, written.reject);
    });

    await Promise.all([cache.set('a', 1), cache.set('b', 2)]);
    await written.promise;
    expect(cache.get('mirror')).toBe(1);
  });
});

describe('events of a secondary', () => {
  const clusters = useDirectClusters();

  it('tell of the calls on it, and the primary tells of its own', async () => {
    const primary = await clusters.primary();
    const { node } = await clusters.secondary(primary);
    const cache = node.cache('n');
    const [told, toldByPrimary] = [record(node), record(primary)];

    await cache.set('a', 1);
    await cache.get('a');
    await cache.get('a');
    await cache.get('missing');
    await cache.delete('a');
    expect(told).toEqual([
      stored('a'),
      hit('a', 'l2'),
      hit('a', 'l1'),
      missed('missing'),
      deleted('a'),
    ]);
    expect(toldByPrimary).toEqual([]);
    await cache.clear();
    expect(told.at(-1)).toEqual(['clear', { namespace: 'n', deleted: 0 }]);
    expect(toldByPrimary).toEqual([['clear', { namespace: 'n', deleted: 0 }]]);
  });

  it('name the primary as the layer where there is no replica', async () => {
    const primary = await clusters.primary();
    const { node } = await clusters.secondary(primary, { replica: 'none' });
    const cache = node.cache('n');
    await primary.cache('n').set('a', 1);
    const told = record(node);

    expect(await cache.get('a')).toBe(1);
    expect(await cache.get('missing')).toBeUndefined();
    expect(told).toEqual([hit('a', 'primary'), missed('missing')]);
    expect(await node.stats()).toMatchObject({
      caches: { n: { primaryHits: 1, l2Hits: 0, misses: 1 } },
      ratios: { l1: 0, l2: 0, primary: 0.5, total: 0.5 },
    });
  });

  it('tell of the connection', async () => {
    const primary = await clusters.primary();
    const { node, client } = await clusters.secondary(primary);
    const told = record(node, ['replica:lost', 'replica:connected']);

    client.cut();
    await eventually(() =>
      expect(told.map(([event]) => event)).toEqual(['replica:lost', 'replica:connected']),
    );
  });

  it('tell of the snapshot to who subscribed before the start', async () => {
    const primary = await clusters.primary();
    await primary.cache('n').set('a', 1);
    const snapshots: unknown[] = [];
    const heard = (message: unknown): number => snapshots.push(message);
    subscribe('hypercache:replica:snapshot', heard);
    try {
      await clusters.secondary(primary);
    } finally {
      unsubscribe('hypercache:replica:snapshot', heard);
    }
    expect(snapshots).toEqual([{ entries: 1, ms: expect.any(Number) }]);
  });
});

describe('diagnostics channels', () => {
  const startNode = useNodes();

  it('publish what listeners are told, until they are left', async () => {
    const node = await startNode();
    const cache = node.cache('n');
    const published: unknown[] = [];
    const heard = (message: unknown, name: string | symbol): number =>
      published.push([name, message]);
    const names = ['hypercache:hit', 'hypercache:miss', 'hypercache:set', 'hypercache:del'];
    for (const name of names) subscribe(name, heard);
    try {
      await cache.set('a', 1);
      await cache.get('a');
      await cache.delete('a');
      await cache.get('a');
    } finally {
      for (const name of names) unsubscribe(name, heard);
    }
    await cache.get('a');
    expect(published).toEqual([
      ['hypercache:set', { namespace: 'n', key: 'a' }],
      ['hypercache:hit', { namespace: 'n', key: 'a', layer: 'l1' }],
      ['hypercache:del', { namespace: 'n', key: 'a' }],
      ['hypercache:miss', { namespace: 'n', key: 'a' }],
    ]);
  });

  it('are those of all nodes of the process, and listeners those of their node', async () => {
    const [one, other] = [await startNode(), await startNode()];
    const told = record(one);
    const heard = jest.fn();
    subscribe('hypercache:miss', heard);
    try {
      await one.cache('n').get('a');
      await other.cache('n').get('b');
    } finally {
      unsubscribe('hypercache:miss', heard);
    }
    expect(heard.mock.calls.map(([message]) => message)).toEqual([
      { namespace: 'n', key: 'a' },
      { namespace: 'n', key: 'b' },
    ]);
    expect(told).toEqual([missed('a')]);
  });
});
