import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { backgroundRound } from '../../support/background-round.js';
import { eventually } from '../../support/eventually.js';
import { ManualClock } from '../../support/manual-clock.js';
import { useNodes } from '../../support/nodes.js';
import { FILE_NAME, useDatabases } from '../../support/storages.js';
import { useTemporaryDirectories } from '../../support/temporary-directory.js';
import type { HyperCacheNode, HyperCacheStats } from '../../../lib/node/hyper-cache-node.js';

const HOLD_LOCK = fileURLToPath(new URL('../../support/programs/hold-lock.mjs', import.meta.url));

function statsOf(node: HyperCacheNode): HyperCacheStats {
  return node.stats() as HyperCacheStats;
}

describe('PrimaryNode', () => {
  const startNode = useNodes();
  const openDatabase = useDatabases();
  const newDirectory = useTemporaryDirectories();

  describe('while another process writes to its file', () => {
    /** Resolves when the other one has the lock. */
    async function holdLock(path: string, ms: number): Promise<{ released: Promise<unknown> }> {
      const child = fork(HOLD_LOCK, [path, String(ms)]);
      const released = once(child, 'exit');
      await once(child, 'message');
      return { released };
    }

    it('waits without holding the event loop, and writes in order when it may', async () => {
      const sqlitePath = newDirectory();
      const node = await startNode({ sqlitePath });
      const cache = node.cache('n');
      await cache.set('k', 0);
      const other = openDatabase(join(sqlitePath, FILE_NAME));
      other.exec('BEGIN IMMEDIATE');
      const writes = [cache.set('k', 1), cache.increment('k', 10), cache.add('new', 1)];
      for (let i = 0; i < 5; i++) await backgroundRound();
      expect(statsOf(node)).toMatchObject({ queued: 3, revision: 1 });
      expect(cache.get('k')).toBe(1);
      writes.push(cache.increment('k', 100));
      other.exec('COMMIT');
      expect(await Promise.all(writes)).toEqual([2, 11, true, 111]);
      expect(statsOf(node)).toMatchObject({ queued: 0, revision: 5, incidents: 0 });
    });

    it('fails its writes after five seconds, and no later ones', async () => {
      const sqlitePath = newDirectory();
      const clock = new ManualClock();
      const node = await startNode({ sqlitePath, sweepInterval: 3_600_000 }, { clock });
      const cache = node.cache('n');
      await cache.set('k', 'old');
      const other = openDatabase(join(sqlitePath, FILE_NAME));
      other.exec('BEGIN IMMEDIATE');
      const failed = cache.set('k', 'new');
      await backgroundRound();
      expect(cache.get('k')).toBe('new');
      clock.advance(5000);
      await expect(failed).rejects.toMatchObject({ code: 'HC_STORAGE_BUSY' });
      expect(cache.get('k')).toBe('old');
      other.exec('COMMIT');
      await cache.set('k', 'newer');
      expect(cache.get('k')).toBe('newer');
    });

    it('commits what waits when it is closed, and stops cleanly', async () => {
      const sqlitePath = newDirectory();
      const node = await startNode({ sqlitePath, durability: 'relaxed' });
      await node.cache('n').set('first', 1);
      await node.flush();
      const path = join(sqlitePath, FILE_NAME);
      const { released } = await holdLock(path, 150);
      await node.cache('n').set('last', 2);
      await node.close();
      await released;
      const again = await startNode({ sqlitePath });
      expect(await again.cache('n').mget(['first', 'last'])).toEqual([1, 2]);
      expect(statsOf(again)).toMatchObject({ l2: { entries: 2 } });
    });
  });

  describe('with listeners that throw', () => {
    afterEach(() => {
      jest.restoreAllMocks();
    });

    it('commits and answers all the same', async () => {
      const warnings: unknown[] = [];
      jest.spyOn(process, 'emitWarning').mockImplementation((warning) => {
        warnings.push(warning);
      });
      const node = await startNode({ maxEntries: 5 });
      const cache = node.cache('n');
      for (const event of ['clear', 'evicted'] as const) {
        node.on(event, () => {
          throw new Error(`from the listener of ${event}`);
        });
      }
      await cache.mset(Array.from({ length: 5 }, (_, i) => ({ key: `k${i}`, value: i })));
      await cache.set('one more', 1);
      const results = await Promise.all([
        cache.clear(),
        cache.set('a', 1),
        cache.increment('b', 1),
      ]);
      expect(results).toEqual([expect.any(Number), expect.any(Number), 1]);
      expect(await cache.mget(['a', 'b'])).toEqual([1, 1]);
      await node.flush();
      expect(statsOf(node).queued).toBe(0);
      expect(warnings).toHaveLength(2);
      expect(warnings[0]).toContain('from the listener of evicted');
    });
  });

  it('gives the same cache for the same name, and keeps those of other names apart', async () => {
    const node = await startNode({ l1: { maxEntries: 4 } });
    const [a, sameA, b] = [node.cache('a'), node.cache('a'), node.cache('b')];
    await a.set('k', 'of a', { tags: ['t'] });
    await b.set('k', 'of b', { tags: ['t'] });
    expect([await sameA.get('k'), await b.get('k')]).toEqual(['of a', 'of b']);
    expect(await a.deleteTag('t')).toBe(1);
    expect(await b.get('k')).toBe('of b');
    await a.set('k', 'of a');
    await b.clear();
    expect([await sameA.get('k'), await b.get('k')]).toEqual(['of a', undefined]);
  });

  it('counts every row, whatever happens to them', async () => {
    const sqlitePath = newDirectory();
    const clock = new ManualClock();
    const node = await startNode({ sqlitePath, maxEntries: 300, sweepInterval: 1 }, { clock });
    const rows = openDatabase(join(sqlitePath, FILE_NAME))
      .prepare('SELECT count(*) FROM entries')
      .pluck();
    for (let round = 0; round < 20; round++) {
      const cache = node.cache(`n${round % 3}`);
      await cache.mset(
        Array.from({ length: 100 }, (_, i) => ({
          key: `k${(i * 7 + round) % 150}`,
          value: i,
          ttl: i % 3 === 0 ? 100 : 0,
          tags: i % 5 === 0 ? ['t'] : [],
        })),
      );
      await cache.deleteTag('t');
      await cache.increment(`counter ${round % 4}`, 1, { ttl: 150 });
      await cache.deletePrefix('k1');
      if (round % 6 === 5) await cache.clear();
      clock.advance(60);
      await backgroundRound();
      expect(statsOf(node).l2.entries).toBe(rows.get());
    }
    await eventually(() => expect(statsOf(node).l2.swept).toBeGreaterThan(0));
    expect(statsOf(node).l2.entries).toBe(rows.get());
  });
});
