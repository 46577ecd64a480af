import { describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { Evictor } from '../../../../lib/sqlite/maintenance/evictor.js';
import type { HyperCacheNode, HyperCacheStats } from '../../../../lib/node/hyper-cache-node.js';
import { eventually } from '../../../support/eventually.js';
import { useNodes } from '../../../support/nodes.js';
import { useDatabases, useStorages } from '../../../support/storages.js';

const MIB = 1024 * 1024;

function statsOf(node: HyperCacheNode): HyperCacheStats {
  return node.stats() as HyperCacheStats;
}

describe('Evictor', () => {
  const openStorage = useStorages();
  const openDatabase = useDatabases();

  function setUp({ maxBytes = Infinity, maxEntries = Infinity, hot = new Set<string>() } = {}) {
    const { storage, run, clock } = openStorage();
    const evicted: string[] = [];
    const asked = { log: 0, gives: 0 };
    const evictor = new Evictor({
      storage,
      clock,
      maxBytes,
      maxEntries,
      givers: [{ reclaim: () => ++asked.log <= asked.gives }],
      isHot: (_namespaceId, key) => hot.has(key),
      onEvicted: (rows) => evicted.push(...rows.map(({ key }) => key)),
    });
    const put = (key: string, value: string | Buffer = 'v', tags: string[] = []): void => {
      run<'set'>({ kind: 'set', namespace: 'n', key, value, expiresAt: Infinity, tags });
    };
    return { storage, run, evictor, evicted, asked, put };
  }

  it('leaves everything alone while there is room', () => {
    const { evictor, evicted, put } = setUp({ maxBytes: 10 * MIB, maxEntries: 100 });
    for (let i = 0; i < 100; i++) put(`k${i}`);
    evictor.makeRoom(0, 1000);
    expect([evictor.step(), evicted]).toEqual([false, []]);
  });

  it('takes stale entries before fresh ones, and spares those that are hot', () => {
    const { run, evictor, evicted, put } = setUp({ maxEntries: 100, hot: new Set(['k41']) });
    for (let i = 0; i < 100; i++) put(`k${i}`);
    for (const key of ['k40', 'k41', 'k60']) {
      const ends = { freshUntil: 1, expiresAt: Infinity };
      run<'set'>({ kind: 'set', namespace: 'n', key, value: 'v', tags: [], ...ends });
    }
    evictor.makeRoom(1, 0);
    expect(evicted.slice(0, 2)).toEqual(['k40', 'k60']);
    expect(evicted).not.toContain('k41');
    evictor.makeRoom(5, 0);
    expect(evicted).toContain('k0');
  });

  it('makes room for the entries to come, the oldest first', () => {
    const { storage, evictor, evicted, put } = setUp({ maxEntries: 100 });
    for (let i = 0; i < 100; i++) put(`k${i}`);
    evictor.makeRoom(10, 0);
    expect(evicted).toEqual(evicted.map((_key, i) => `k${i}`));
    expect(storage.counts.total).toBeLessThanOrEqual(90);
    expect(storage.counts.total).toBeGreaterThan(75);
  });

  it('goes on where it stopped, and comes round', () => {
    const { evictor, evicted, put } = setUp({ maxEntries: 50 });
    for (let i = 0; i < 200; i++) {
      evictor.makeRoom(1, 0);
      put(`k${i}`);
    }
    expect(evicted).toEqual(evicted.map((_key, i) => `k${i}`));
    expect(evictor.evicted).toBe(evicted.length);
  });

  it('spares hot entries while others can go', () => {
    const hot = new Set(['k0', 'k1', 'k50']);
    const { evictor, evicted, put, storage } = setUp({ maxEntries: 100, hot });
    for (let i = 0; i < 100; i++) put(`k${i}`);
    evictor.makeRoom(60, 0);
    for (const key of hot) expect(evicted).not.toContain(key);
    expect(storage.counts.total).toBeLessThanOrEqual(40);
  });

  it('takes hot entries when there are no others, because the bound must hold', () => {
    const hot = new Set(Array.from({ length: 100 }, (_, i) => `k${i}`));
    const { evictor, put, storage } = setUp({ maxEntries: 50, hot });
    for (const key of hot) put(key);
    while (evictor.step());
    expect(storage.counts.total).toBeLessThanOrEqual(50);
  });

  it('logs what it removes, so that a factory at work does not bring it back', () => {
    const { evictor, evicted, put, storage } = setUp({ maxEntries: 10 });
    for (let i = 0; i < 11; i++) put(`k${i}`);
    const { revision } = storage;
    evictor.step();
    expect(storage.changes.since(revision).map(({ key }) => key)).toEqual(evicted);
  });

  it('takes the tags along, also those of earlier lives', () => {
    const { evictor, put, storage, run } = setUp({ maxEntries: 1 });
    put('tagged', 'v', ['t']);
    put('once tagged', 'v', ['t']);
    put('once tagged');
    put('last');
    while (evictor.step());
    const tags = openDatabase(storage.path).prepare('SELECT count(*) FROM tags').pluck();
    expect(tags.get()).toBe(0);
    const removal = run<'deleteTag'>({
      kind: 'deleteTag',
      namespace: 'n',
      tag: 't',
      step: undefined,
    });
    expect(removal.keys).toEqual([]);
  });

  it('works in bounded steps', () => {
    const { evictor, evicted, put } = setUp({ maxEntries: 100 });
    for (let i = 0; i < 2000; i++) put(`k${i}`);
    let before = 0;
    while (evictor.step()) {
      expect(evicted.length - before).toBeLessThanOrEqual(300);
      before = evicted.length;
    }
    expect(evicted.length).toBeGreaterThanOrEqual(1900);
  });

  it('asks the log to give room before it takes entries', () => {
    const { evictor, evicted, asked, put } = setUp({ maxBytes: MIB });
    asked.gives = 3;
    for (let i = 0; i < 20; i++) put(`k${i}`, Buffer.alloc(100_000));
    expect([evictor.step(), evictor.step(), evictor.step()]).toEqual([true, true, true]);
    expect(evicted).toEqual([]);
    while (evictor.step());
    expect(evicted.length).toBeGreaterThan(10);
  });
});

describe('the file of a node', () => {
  const startNode = useNodes();

  interface Entry {
    readonly key: string;
    readonly value: unknown;
    readonly tags?: string[];
  }

  /** Writes until `times` the cap is written; returns the largest file that there was. */
  async function writeMuch(
    node: HyperCacheNode,
    bytes: number,
    batch: number,
    entry: (i: number) => Entry,
  ): Promise<number> {
    const cache = node.cache('n');
    let largest = 0;
    let written = 0;
    for (let i = 0; written < bytes; i += batch) {
      const entries = Array.from({ length: batch }, (_, j) => entry(i + j));
      await cache.mset(entries);
      for (const { key, value, tags = [] } of entries) {
        written += Buffer.byteLength(key) + String(value).length + tags.join('').length;
      }
      largest = Math.max(largest, statsOf(node).l2.fileBytes);
    }
    return largest;
  }

  const SHAPES: readonly [
    name: string,
    times: number,
    batch: number,
    entry: (i: number) => Entry,
  ][] = [
    ['small values', 10, 500, (i) => ({ key: `key ${i}`, value: 'v'.repeat(300) })],
    ['all sizes', 10, 20, (i) => ({ key: `key ${i}`, value: 'v'.repeat((i * 7919) % 50_000) })],
    ['large values', 10, 4, (i) => ({ key: `key ${i}`, value: 'v'.repeat(400_000) })],
    ['long keys', 4, 200, (i) => ({ key: `${i}`.padStart(1000, 'k'), value: 1 })],
    ['keys in other scripts', 3, 200, (i) => ({ key: `${'日'.repeat(330)}${i}`, value: 1 })],
    ['many tags', 2, 100, (i) => ({ key: `key ${i}`, value: 1, tags: longTags(i % 50) })],
  ];

  function longTags(n: number): string[] {
    return Array.from({ length: 20 }, (_, i) => `${i} of ${n}`.padStart(100, 't'));
  }

  it.each(SHAPES)(
    'stays under its cap while much more is written: %s',
    async (_name, times, batch, entry) => {
      const maxSize = 4 * MIB;
      const node = await startNode({ maxSize, sweepInterval: 1 });
      const largest = await writeMuch(node, times * maxSize, batch, entry);
      expect(largest).toBeLessThanOrEqual(maxSize);
      expect(largest).toBeGreaterThan(maxSize / 2);
      const { l2 } = statsOf(node);
      expect(l2.usedBytes).toBeGreaterThan(maxSize / 4);
      expect(l2.entries).toBeGreaterThan(3);
    },
  );

  it('refuses what can never fit, and loses nothing for it', async () => {
    const maxSize = 4 * MIB;
    const node = await startNode({ maxSize });
    const cache = node.cache('n');
    const small = Array.from({ length: 20 }, (_, i) => `small ${i}`);
    await cache.mset(small.map((key) => ({ key, value: key })));

    await expect(async () => cache.set('huge', randomBytes(6 * MIB))).rejects.toMatchObject({
      code: 'HC_VALUE_TOO_LARGE',
      maxBytes: Math.floor(0.85 * maxSize),
      message: expect.stringContaining('85 % of maxSize'),
    });

    expect(statsOf(node).l2).toMatchObject({ entries: 20, evicted: 0 });
  });

  it.each([1, 2, 3.3])(
    'stores a value of %d MiB in 4 MiB beside small ones, again and again',
    async (size) => {
      const node = await startNode({ maxSize: 4 * MIB });
      const cache = node.cache('n');
      const small = Array.from({ length: 20 }, (_, i) => `small ${i}`);
      await cache.mset(small.map((key) => ({ key, value: key })));

      for (let i = 0; i < 5; i++) {
        const value = randomBytes(size * MIB);
        await cache.set('large', value);
        expect(value.equals((await cache.get('large')) as Buffer)).toBe(true);
      }

      expect(await cache.mget(small)).toEqual(small);
      expect(statsOf(node).l2.entries).toBe(21);
    },
  );

  it('evicts for a large value no more than it needs', async () => {
    const node = await startNode({ maxSize: 16 * MIB });
    const cache = node.cache('n');
    for (let i = 0; i < 14; i++) await cache.set(`k${i}`, randomBytes(MIB));

    await cache.set('large', randomBytes(3 * MIB));

    expect(await cache.mget(['k0', 'k1'])).toEqual([undefined, undefined]);
    expect(statsOf(node).l2.evicted).toBeLessThanOrEqual(3);
  });

  it('evicts nothing for what adds no entry', async () => {
    const node = await startNode({ maxEntries: 5 });
    const cache = node.cache('n');
    const keys = ['a', 'b', 'c', 'd', 'e'];
    await cache.mset(keys.map((key) => ({ key, value: key })));

    await node.throttles.throttle('client', { limit: 1, ttl: 1000 });
    await node.throttles.reset('client');
    await node.locks.lock('name', { ttl: 1000 }).run(() => undefined);
    await node.runs.run('job', { window: 1000 }, () => undefined);
    await Promise.all([cache.touch('a', 1000), cache.delete('missing'), cache.expirePrefix('x')]);

    expect(await cache.mget(keys)).toEqual(keys);
    expect(statsOf(node).l2).toMatchObject({ entries: 5, evicted: 0 });
  });

  it('keeps what is read, and the rest in order of age', async () => {
    const node = await startNode({ maxEntries: 1000, sweepInterval: 1 });
    const cache = node.cache('n');
    const hot = Array.from({ length: 100 }, (_, i) => `hot ${i}`);
    await cache.mset(hot.map((key) => ({ key, value: key })));
    for (let i = 0; i < 5000; i += 100) {
      expect(await cache.mget(hot)).toEqual(hot);
      const cold = Array.from({ length: 100 }, (_, j) => ({ key: `cold ${i + j}`, value: 1 }));
      await cache.mset(cold);
    }
    expect(await cache.get('cold 0')).toBeUndefined();
    expect(await cache.get('cold 4999')).toBe(1);
    await eventually(() => expect(statsOf(node).l2.entries).toBeLessThanOrEqual(1000));
  });

  it('never serves from memory what has left the file', async () => {
    const node = await startNode({ maxEntries: 100 });
    const cache = node.cache('n');
    const gone: number[] = [];
    node.on('evicted', ({ entries }) => gone.push(entries));
    const keys = Array.from({ length: 2000 }, (_, i) => `k${i}`);
    for (const key of keys) await cache.set(key, key);
    const inMemory: string[] = [];
    for (const key of keys) if ((await cache.get(key)) !== undefined) inMemory.push(key);
    const inFile: string[] = [];
    for await (const key of cache.keys('')) inFile.push(key);
    expect(new Set(inMemory)).toEqual(new Set(inFile));
    expect(gone.reduce((sum, n) => sum + n, 0)).toBe(2000 - inFile.length);
    expect(statsOf(node).l2).toMatchObject({
      entries: inFile.length,
      evicted: 2000 - inFile.length,
    });
  });

  it('shrinks after a clear', async () => {
    const node = await startNode({ sweepInterval: 1 });
    const cache = node.cache('n');
    for (let i = 0; i < 20; i++) {
      await cache.mset(
        Array.from({ length: 100 }, (_, j) => ({
          key: `k${100 * i + j}`,
          value: 'v'.repeat(20_000),
        })),
      );
    }
    await cache.set('other', 1);
    const full = statsOf(node).l2.fileBytes;
    expect(full).toBeGreaterThan(35 * MIB);
    await cache.clear();
    await cache.set('after', 2);
    await eventually(() => {
      expect(statsOf(node).l2.entries).toBe(1);
      expect(statsOf(node).l2.fileBytes).toBeLessThan(5 * MIB);
    });
    expect(await cache.get('after')).toBe(2);
  });
});
