import { describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { hyperCacheOn } from '../../support/hyper-caches.js';
import { useNodes } from '../../support/nodes.js';
import { runSql } from '../../support/sabotage.js';
import { useTemporaryDirectories } from '../../support/temporary-directory.js';
import { turnsDuring, type Turns } from '../../support/turns.js';

/** As many as an entry may have. */
const TAGS = 64;
const ENTRIES = 300;

/** What G11 promises is 10 ms; the clock of a thread may move by 4 ms at a time, and a test runs code that is cold. */
const P99 = 25;
/** On a machine that is busy the processor's caches are cold as well. */
const LONGEST = 60;

/** The last one is that of all. */
function tagsOf(i: number, length: number): string[] {
  const own = Array.from({ length: TAGS - 1 }, (_, j) => `${j}:${i}:`.padEnd(length, 'x'));
  return [...own, 'all'];
}

function expectShort({ p99, longest }: Turns): void {
  expect(p99).toBeLessThan(P99);
  expect(longest).toBeLessThan(LONGEST);
}

describe('The event loop', () => {
  const start = useNodes();
  const newDirectory = useTemporaryDirectories();

  describe.each([12, 1000])('with 64 tags of %i characters for each entry', (length) => {
    async function setUp() {
      const node = await start();
      const cache = hyperCacheOn(node);
      const tags = Array.from({ length: ENTRIES }, (_, i) => tagsOf(i, length));
      const fill = async (): Promise<void> => {
        for (let i = 0; i < ENTRIES; i += 20) {
          await Promise.all(
            tags.slice(i, i + 20).map((own, j) => cache.set(`key-${i + j}`, i, { tags: own })),
          );
        }
      };
      return { cache, tags, fill };
    }

    it('is not held by their writes', async () => {
      const { cache, tags } = await setUp();
      const writes = Promise.all(tags.map((own, i) => cache.set(`key-${i}`, i, { tags: own })));
      const turns = await turnsDuring(() => writes);

      expectShort(turns);
    });

    it.each(['delByTag', 'delByPrefix', 'mdel', 'clear', 'overwrites'])(
      'is not held by %s',
      async (how) => {
        const { cache, fill } = await setUp();
        await fill();
        const keys = Array.from({ length: ENTRIES }, (_, i) => `key-${i}`);
        const turns = await turnsDuring(async () => {
          if (how === 'delByTag') expect(await cache.delByTag('all')).toBe(ENTRIES);
          else if (how === 'delByPrefix') expect(await cache.delByPrefix('key')).toBe(ENTRIES);
          else if (how === 'mdel') await cache.mdel(keys);
          else if (how === 'clear') await cache.clear();
          else await Promise.all(keys.map((key) => cache.set(key, 1, { tags: ['one'] })));
        });

        expectShort(turns);
      },
    );
  });

  describe('with thousands who wait for locks', () => {
    const WAITERS = 5000;

    async function setUp() {
      const sqlitePath = newDirectory();
      const cache = hyperCacheOn(await start({ sqlitePath }));
      const wait = (name: string, ms: number) =>
        cache.lock(name, { ttl: 60_000, wait: ms }).acquire();
      /** As many promises, made in as many turns as an application would. */
      const queue = async (nameOf: (i: number) => string, ms: number) => {
        const waiting: Promise<boolean>[] = [];
        while (waiting.length < WAITERS) {
          for (let i = 0; i < 50; i++) waiting.push(wait(nameOf(waiting.length), ms));
          await nextTurn();
        }
        return waiting;
      };
      /** Lets some time pass in which the file changes all the time, as if others wrote. */
      const watch = () =>
        turnsDuring(async () => {
          const file = join(sqlitePath, 'hypercache.sqlite');
          for (let i = 0; i < 100; i++) {
            await delay(10);
            runSql(file, `INSERT OR REPLACE INTO meta VALUES ('of the test', ${i})`);
          }
        });
      return { cache, queue, watch };
    }
    const settle = async (waiting: Promise<boolean>[]): Promise<number> =>
      (await Promise.allSettled(waiting)).filter((one) => one.status === 'fulfilled' && one.value)
        .length;

    it('is not held while they wait for one', async () => {
      const { cache, queue, watch } = await setUp();
      const holder = cache.lock('hot', { ttl: 60_000 });
      await holder.acquire();
      const waiting = await queue(() => 'hot', 60_000);
      expectShort(await watch());
      await holder.release();
      await expect(Promise.race(waiting)).resolves.toBe(true);
    });

    it('is not held while each waits for another one, nor when all are released', async () => {
      const { cache, queue, watch } = await setUp();
      const holders = Array.from({ length: WAITERS }, (_, i) =>
        cache.lock(`lock-${i}`, { ttl: 60_000 }),
      );
      await Promise.all(holders.map((holder) => holder.acquire()));
      const waiting = await queue((i) => `lock-${i}`, 60_000);
      expectShort(await watch());
      const released = Promise.all(holders.map((holder) => holder.release()));
      expectShort(await turnsDuring(() => released));

      expect(await settle(waiting)).toBe(WAITERS);
    });

    it('is not held when the time of all is over at once', async () => {
      const { cache, queue } = await setUp();
      await cache.lock('hot', { ttl: 60_000 }).acquire();
      const waiting = await queue(() => 'hot', 2000);
      expectShort(await turnsDuring(() => settle(waiting)));
    });

    it('is not held by a semaphore of 1000 slots', async () => {
      const { cache } = await setUp();
      const slots = () =>
        Array.from({ length: 1000 }, () =>
          cache.semaphore('slots', { limit: 1000, ttl: 60_000, wait: 60_000 }).acquire(),
        );
      const held = slots();
      expectShort(await turnsDuring(() => Promise.all(held)));
      const waiting = slots();
      expectShort(
        await turnsDuring(async () => {
          await cache.semaphore('slots', { limit: 1000, ttl: 1 }).forceRelease();
          expect(await settle(waiting)).toBe(1000);
        }),
      );
    });
  });
});
