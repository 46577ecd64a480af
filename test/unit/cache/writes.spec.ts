import { describe, expect, it } from '@jest/globals';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { join } from 'node:path';
import type { HyperCacheError } from '../../../lib/common/errors.js';
import type { HyperCacheStats } from '../../../lib/node/hyper-cache-node.js';
import type { HyperCacheOptions } from '../../../lib/node/options.js';
import { ManualClock } from '../../support/manual-clock.js';
import { useNodes } from '../../support/nodes.js';
import { FILE_NAME, useDatabases } from '../../support/storages.js';
import { useTemporaryDirectories } from '../../support/temporary-directory.js';

const VARIANTS: readonly [name: string, options: HyperCacheOptions][] = (
  ['normal', 'relaxed'] as const
).flatMap((durability) => [
  [`durability '${durability}', with L1`, { durability }],
  [`durability '${durability}', without L1`, { durability, l1: false }],
  [`durability '${durability}', with an L1 of one entry`, { durability, l1: { maxEntries: 1 } }],
]);

describe('writes of a cache', () => {
  const startNode = useNodes();
  const openDatabase = useDatabases();
  const newDirectory = useTemporaryDirectories();

  async function setUp(options: HyperCacheOptions = {}) {
    const clock = new ManualClock();
    const sqlitePath = newDirectory();
    const node = await startNode({ sqlitePath, ...options }, { clock });
    const incidents: { error: HyperCacheError; during: string }[] = [];
    node.on('error', (incident) => incidents.push(incident));
    const path = join(sqlitePath, FILE_NAME);
    return {
      clock,
      node,
      cache: node.cache('n'),
      incidents,
      path,
      queued: () => (node.stats() as HyperCacheStats).queued,
      /** From here on SQLite refuses whatever concerns the key 'refused'. */
      refuse: () =>
        openDatabase(path).exec(`CREATE TRIGGER refuse BEFORE INSERT ON changes
          WHEN new.key = 'refused' BEGIN SELECT RAISE(ABORT, 'refused'); END`),
    };
  }

  describe.each(VARIANTS)('before their commit, %s', (_name, options) => {
    it('are seen by the reads of the node', async () => {
      const { cache, clock } = await setUp(options);
      const writes: Promise<unknown>[] = [cache.set('a', 1, { ttl: 100 }), cache.set('b', 2)];
      expect(cache.mget(['a', 'b'])).toEqual([1, 2]);
      expect([cache.has('a'), cache.expiresAt('a')]).toEqual([true, clock.now() + 100]);
      writes.push(cache.set('a', { n: 3 }));
      expect([cache.get('a'), cache.expiresAt('a')]).toEqual([{ n: 3 }, Infinity]);
      writes.push(cache.delete('a'));
      expect([cache.get('a'), cache.has('a'), cache.find('a')]).toEqual([
        undefined,
        false,
        undefined,
      ]);
      writes.push(cache.set('a', 4));
      expect(cache.get('a')).toBe(4);
      await Promise.all(writes);
      expect(cache.mget(['a', 'b'])).toEqual([4, 2]);
    });

    it('are as private as afterwards', async () => {
      const { cache } = await setUp(options);
      const given = { list: [1] };
      const written = cache.set('k', given);
      given.list.push(2);
      const seen = cache.get('k') as typeof given;
      seen.list.push(3);
      expect(cache.get('k')).toEqual({ list: [1] });
      await written;
      expect(cache.get('k')).toEqual({ list: [1] });
    });

    it('expire', async () => {
      const { cache, clock } = await setUp(options);
      const writes = [cache.set('k', 1, { ttl: 100 }), cache.set('past', 1, { ttl: -1 })];
      expect(cache.mget(['k', 'past'])).toEqual([1, undefined]);
      clock.advance(100);
      expect([cache.get('k'), cache.has('k'), cache.expiresAt('k')]).toEqual([
        undefined,
        false,
        undefined,
      ]);
      await Promise.all(writes);
    });

    it('leave nothing behind when the commit fails: reads find what is in the file', async () => {
      const { cache, node, refuse } = await setUp(options);
      await cache.set('refused', 'old');
      await node.flush();
      refuse();
      const writes = [cache.set('refused', 'new'), cache.set('neighbour', 1)];
      expect(cache.get('refused')).toBe('new');
      await node.flush();
      await Promise.allSettled(writes);
      expect(cache.mget(['refused', 'neighbour'])).toEqual(['old', undefined]);
      expect(await cache.getWithRevision('refused')).toMatchObject({ value: 'old' });

      const deleted = cache.delete('refused');
      expect(cache.get('refused')).toBeUndefined();
      await node.flush();
      await Promise.allSettled([deleted]);
      expect(cache.get('refused')).toBe('old');
    });

    it('that fail take nothing from the writes that follow them', async () => {
      const { cache, node, refuse } = await setUp(options);
      refuse();
      // More than one transaction takes: the first fails, the second does not.
      const first = [cache.set('k', 'first'), cache.delete('refused')];
      for (let i = 0; i < 500; i++) first.push(cache.delete(`other ${i}`));
      const failed = Promise.allSettled(first);
      const second = cache.set('k', 'second', { tags: ['t'] });
      expect(cache.get('k')).toBe('second');
      await node.flush();
      await Promise.all([failed, second]);
      expect(cache.get('k')).toBe('second');
      expect(await cache.getWithRevision('k')).toMatchObject({ value: 'second' });
    });

    it('are seen although an earlier write of the same key was committed meanwhile', async () => {
      const { cache } = await setUp(options);
      const first = cache.add('k', 'first');
      const writes: Promise<unknown>[] = [cache.set('k', 'second', { tags: ['t'] })];
      for (let i = 0; i < 600; i++) writes.push(cache.set(`other ${i}`, i));
      writes.push(cache.set('k', 'third', { tags: ['t'] }));
      // More than one transaction takes: the first is over, the second still to come.
      await first;
      for (let i = 0; i < 3; i++) cache.get(`other ${i}`);
      expect(cache.get('k')).toBe('third');
      await Promise.all(writes);
      expect(cache.get('k')).toBe('third');
    });

    it('win over what increments, additions and deletions of many entries before them leave', async () => {
      const { cache } = await setUp(options);
      await cache.set('k', 1, { tags: ['t'] });
      const writes = [
        cache.increment('k', 10),
        cache.set('k', 'a'),
        cache.deletePrefix('k'),
        cache.set('k', 'b', { tags: ['t'] }),
        cache.deleteTag('t'),
        cache.add('k', 'c'),
        cache.set('k', 'd'),
        cache.clear(),
        cache.set('k', 'e'),
      ];
      expect(cache.get('k')).toBe('e');
      const results = await Promise.all(writes);
      expect([results[0], results[2], results[4], results[5]]).toEqual([11, 1, 1, true]);
      expect(cache.get('k')).toBe('e');
      expect(await cache.getWithRevision('k')).toMatchObject({ value: 'e' });
    });

    it.each([
      ['increment', 5, async (c: Caches) => c.increment('k', 1), 6],
      ['pull', 5, async (c: Caches) => c.pull('k'), undefined],
      ['touch', 5, async (c: Caches) => c.touch('k', -1), undefined],
      ['delete', 5, async (c: Caches) => c.delete('k'), undefined],
      [
        'setIf',
        5,
        async (c: Caches) => c.setIf('k', 'x', (await c.getWithRevision('k')).revision),
        'x',
      ],
      ['deletePrefix', 5, async (c: Caches) => c.deletePrefix('k'), undefined],
      ['deleteTag', 5, async (c: Caches) => c.deleteTag('t'), undefined],
      ['clear', 5, async (c: Caches) => c.clear(), undefined],
    ])('of %s are followed by L1', async (_kind, before, write, after) => {
      const { cache } = await setUp(options);
      await cache.set('k', before, { tags: ['t'] });
      expect(cache.get('k')).toBe(before);
      const written = write(cache);
      // A read in between fills L1 once more.
      cache.get('k');
      await written;
      expect(cache.get('k')).toBe(after);
      expect((await cache.getWithRevision('k')).value).toBe(after);
    });
  });

  describe('of values', () => {
    it('up to the limit are stored, and one byte more is refused before anything changes', async () => {
      const { cache, node, queued } = await setUp({ maxValueSize: 1000 });
      await cache.set('text', 'x'.repeat(1000));
      await cache.set('wide', 'é'.repeat(500));
      await cache.set('bytes', Buffer.alloc(995));
      const TOO_LARGE = expect.objectContaining({ code: 'HC_VALUE_TOO_LARGE', maxBytes: 1000 });
      const calls: (() => unknown)[] = [
        () => cache.set('text', 'x'.repeat(1001)),
        () => cache.set('text', 'é'.repeat(501)),
        () => cache.set('text', Buffer.alloc(1000)),
        () => cache.set('text', new Array(1001).fill(null)),
        () => cache.set('text', 1n << 8100n),
        () => cache.set('text', { ['x'.repeat(999)]: 1 }),
        () => cache.add('new', 'x'.repeat(1001)),
        () => cache.setIf('new', 'x'.repeat(1001), 0),
        () =>
          cache.mset([
            { key: 'new', value: 1 },
            { key: 'text', value: 'x'.repeat(1001) },
          ]),
      ];
      for (const call of calls) await expect((async () => call())()).rejects.toEqual(TOO_LARGE);
      expect(queued()).toBe(0);
      expect(cache.mget(['text', 'new'])).toEqual(['x'.repeat(1000), undefined]);
      expect(node.stats()).toMatchObject({ revision: 3 });
    });

    it('that are refused store nothing', async () => {
      const { cache, queued } = await setUp();
      const UNSUPPORTED = expect.objectContaining({ code: 'HC_VALUE_UNSUPPORTED' });
      for (const value of [undefined, () => 1, Symbol('s'), { deep: [Promise.resolve()] }]) {
        await expect((async () => cache.set('k', value))()).rejects.toEqual(UNSUPPORTED);
        await expect((async () => cache.add('k', value))()).rejects.toEqual(UNSUPPORTED);
        const many = [
          { key: 'a', value: 1 },
          { key: 'k', value },
        ];
        await expect((async () => cache.mset(many))()).rejects.toEqual(UNSUPPORTED);
      }
      expect(queued()).toBe(0);
      expect(cache.mget(['a', 'k'])).toEqual([undefined, undefined]);
    });

    it('that look dangerous to the codec fail no neighbour', async () => {
      const { cache } = await setUp({ l1: false });
      const odd = { toJSON: 'x', constructor: 'y', then: 1, length: -1 };
      await Promise.all([cache.set('odd', odd), cache.set('neighbour', 1)]);
      expect(cache.mget(['odd', 'neighbour'])).toEqual([odd, 1]);
    });
  });

  describe('with tags', () => {
    it('refuse what is no list of at most 64 keys', async () => {
      const { cache } = await setUp();
      const set = async (tags: unknown): Promise<unknown> =>
        cache.set('k', 1, { tags: tags as string[] });
      await set(Array.from({ length: 64 }, (_, i) => `t${i}`));
      await expect(set(Array.from({ length: 65 }, (_, i) => `t${i}`))).rejects.toMatchObject({
        code: 'HC_ARGUMENT_INVALID',
      });
      await expect(set('tag')).rejects.toMatchObject({ code: 'HC_ARGUMENT_INVALID' });
      for (const tags of [[''], ['\ud800'], ['x'.repeat(1025)], [5]]) {
        await expect(set(tags)).rejects.toMatchObject({ code: 'HC_KEY_INVALID' });
      }
      await expect((async () => cache.deleteTag(''))()).rejects.toMatchObject({
        code: 'HC_KEY_INVALID',
      });
    });

    it('and deletions of more than a thousand entries let others take their turn', async () => {
      const { cache } = await setUp();
      await cache.mset(
        Array.from({ length: 2000 }, (_, i) => ({ key: `k${i}`, value: i, tags: ['t'] })),
      );
      let turns = 0;
      let isDone = false;
      const deleted = cache.deleteTag('t').finally(() => (isDone = true));
      while (!isDone) {
        await nextTurn();
        turns++;
      }
      expect(await deleted).toBe(2000);
      expect(turns).toBeGreaterThanOrEqual(4);
      expect(cache.mget(['k0', 'k1999'])).toEqual([undefined, undefined]);
    });
  });

  describe("with durability 'relaxed'", () => {
    const RELAXED: HyperCacheOptions = { durability: 'relaxed' };

    it('resolve before they are committed', async () => {
      const { cache, node, queued } = await setUp(RELAXED);
      await cache.set('k', 1);
      await cache.delete('other');
      expect(queued()).toBe(2);
      expect(node.stats()).toMatchObject({ revision: 0 });
      await node.flush();
      expect(queued()).toBe(0);
      expect(node.stats()).toMatchObject({ revision: 2 });
    });

    it('of one key take one place in the queue', async () => {
      const { cache, node, queued } = await setUp(RELAXED);
      for (let i = 0; i < 1000; i++) await cache.set('k', i, { ttl: i });
      expect(queued()).toBe(1);
      await node.flush();
      expect((await cache.getWithRevision('k')).value).toBe(999);
      expect(node.stats()).toMatchObject({ revision: 1 });
    });

    it('take another place when the new value has no room in the first', async () => {
      const { cache, queued } = await setUp(RELAXED);
      await cache.set('k', 'small');
      await cache.set('k', 'x'.repeat(5000));
      await cache.set('k', 'small');
      expect(queued()).toBe(2);
      expect((await cache.getWithRevision('k')).value).toBe('small');
    });

    it.each([
      ['increment', (c: Caches) => c.increment('counter', 1)],
      ['add', (c: Caches) => c.add('counter', 1)],
      ['pull', (c: Caches) => c.pull('counter')],
      ['touch', (c: Caches) => c.touch('k', 1000)],
      ['deletePrefix', (c: Caches) => c.deletePrefix('k')],
      ['deleteTag', (c: Caches) => c.deleteTag('t')],
      ['clear', (c: Caches) => c.clear()],
    ])('do not overtake a waiting %s', async (_name, write) => {
      const { cache, queued } = await setUp(RELAXED);
      await cache.set('k', 1);
      const written = write(cache);
      await cache.set('k', 2);
      expect(queued()).toBe(3);
      await written;
      expect(await cache.getWithRevision('k')).toEqual({
        value: 2,
        revision: expect.any(Number),
        expiresAt: Infinity,
      });
      expect(await cache.expiresAt('k')).toBe(Infinity);
    });

    it('keep the tags of the last of them', async () => {
      const { cache } = await setUp(RELAXED);
      await cache.set('tagged', 1);
      await cache.set('tagged', 2, { tags: ['t'] });
      await cache.set('untagged', 1, { tags: ['t'] });
      await cache.set('untagged', 2);
      expect(await cache.deleteTag('t')).toBe(1);
      expect(cache.mget(['tagged', 'untagged'])).toEqual([undefined, 2]);
    });

    it('that are lost are an event, and reads find what is in the file', async () => {
      const { cache, node, incidents, refuse } = await setUp(RELAXED);
      await cache.set('refused', 'old');
      await node.flush();
      refuse();
      await cache.set('refused', 'new');
      await cache.delete('refused');
      await node.flush();
      expect(incidents).toMatchObject([
        { error: { code: 'HC_STORAGE_FAILED' }, during: 'committing a relaxed write' },
        { error: { code: 'HC_STORAGE_FAILED' }, during: 'committing a relaxed write' },
      ]);
      expect(cache.get('refused')).toBe('old');
    });

    it('must be awaited when more wait than the disk keeps up with', async () => {
      const { cache, queued } = await setUp(RELAXED);
      let isHeldBack = false;
      for (let i = 0; i < 5000 && !isHeldBack; i++) {
        const written = cache.set(`k${i}`, i);
        isHeldBack = (await Promise.race([written, Promise.resolve('pending')])) === 'pending';
        if (isHeldBack) expect(await written).toBeGreaterThan(0);
      }
      expect(isHeldBack).toBe(true);
      expect(queued()).toBeLessThan(4096);
    });

    it('are committed by close', async () => {
      const { cache, node, path } = await setUp(RELAXED);
      await cache.set('k', 1);
      await cache.delete('other');
      await node.close();
      const rows = openDatabase(path).prepare('SELECT key, value FROM entries').all();
      expect(rows).toEqual([{ key: 'k', value: 1 }]);
    });
  });

  it('after the end are refused', async () => {
    for (const durability of ['normal', 'relaxed'] as const) {
      const { cache, node } = await setUp({ durability });
      await node.close();
      const CLOSED = { code: 'HC_CLOSED' };
      await expect((async () => cache.set('k', 1))()).rejects.toMatchObject(CLOSED);
      await expect((async () => cache.delete('k'))()).rejects.toMatchObject(CLOSED);
      await expect((async () => cache.increment('k', 1))()).rejects.toMatchObject(CLOSED);
      await expect((async () => cache.clear())()).rejects.toMatchObject(CLOSED);
    }
  });
});

type Caches =
  Awaited<ReturnType<ReturnType<typeof useNodes>>> extends { cache(n: string): infer C }
    ? C
    : never;
