import { beforeEach, describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { cpSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import type { HyperCache } from '../../../lib/nest/hyper-cache.service.js';
import type { HyperCacheNode } from '../../../lib/node/hyper-cache-node.js';
import type { HyperCacheOptions } from '../../../lib/node/options.js';
import { ProcessLock } from '../../../lib/sqlite/process-table.js';
import { eventually } from '../../support/eventually.js';
import { hyperCacheOn } from '../../support/hyper-caches.js';
import { ManualClock } from '../../support/manual-clock.js';
import { useNodes } from '../../support/nodes.js';
import { useTemporaryDirectories } from '../../support/temporary-directory.js';

const HOUR = 3_600_000;

describe('Locks over the end of a process', () => {
  const start = useNodes();
  const newDirectory = useTemporaryDirectories();
  let home: string;
  let clock: ManualClock;
  let node: HyperCacheNode;
  let cache: HyperCache;

  const open = async (directory = home, options: HyperCacheOptions = {}): Promise<void> => {
    home = directory;
    node = await start({ sqlitePath: home, ...options }, { clock });
    cache = hyperCacheOn(node);
  };
  beforeEach(async () => {
    clock = new ManualClock();
    await open(newDirectory());
  });

  const restart = async (): Promise<void> => {
    await node.close();
    await open();
  };
  /** What a process leaves that is killed now; the old node does not know of it. */
  const crash = async (): Promise<void> => {
    const copy = newDirectory();
    cpSync(home, copy, { recursive: true });
    rmSync(join(copy, 'hypercache.sqlite-shm'));
    await open(copy);
  };
  const copyStopped = async (to: string): Promise<void> => {
    await node.close();
    cpSync(home, to, { recursive: true });
  };
  const copyRunning = async (to: string): Promise<void> => {
    cpSync(home, to, { recursive: true });
    rmSync(join(to, 'hypercache.sqlite-shm'));
    await Promise.resolve();
  };
  const edit = (sql: string, ...parameters: unknown[]): void => {
    const database = new Database(join(home, 'hypercache.sqlite'));
    database.prepare(sql).run(...parameters);
    database.close();
  };
  const acquire = async (name: string, ttl = 1000): Promise<string> => {
    const lock = cache.lock(name, { ttl });
    await expect(lock.acquire()).resolves.toBe(true);
    return lock.owner;
  };
  const nextToken = async (name = 'lock'): Promise<number> => {
    await cache.lock(name, { ttl: 1 }).forceRelease();
    return cache.lock(name, { ttl: 1000 }).run(({ token }) => token);
  };
  const remaining = async (name: string) => (await cache.inspectLock(name))?.remaining;

  it.each([
    ['a clean stop', restart],
    ['a crash', crash],
  ])('after %s every live lease has its full ttl again', async (_what, end) => {
    const owner = await acquire('long', 5000);
    await acquire('short', 1000);
    await acquire('ended', 100);
    const released = cache.lock('released', { ttl: 5000 });
    await released.acquire();
    await released.release();
    clock.advance(900);
    await end();

    expect(await Promise.all(['long', 'short', 'ended', 'released'].map(remaining))).toEqual([
      5000,
      1000,
      undefined,
      undefined,
    ]);
    await expect(cache.restoreLock('long', owner).release()).resolves.toBe(true);
    clock.advance(999);
    await expect(cache.lock('short', { ttl: 1 }).acquire()).resolves.toBe(false);
    clock.advance(1);
    await expect(cache.lock('short', { ttl: 1 }).acquire()).resolves.toBe(true);
  });

  it('after a start of the machine too, whose clock begins anew', async () => {
    clock.advance(HOUR);
    await acquire('live', 5000);
    await acquire('ended', 100);
    const released = cache.lock('released', { ttl: 5000 });
    await released.acquire();
    await released.release();
    clock.advance(900);
    await node.close();
    edit("UPDATE meta SET value = 'another' WHERE name = 'boot_id'");
    clock = new ManualClock();
    await open();

    // Nobody can tell how long ago the second one ended: better late than early.
    expect(await Promise.all(['live', 'ended', 'released'].map(remaining))).toEqual([
      5000,
      100,
      undefined,
    ]);
  });

  it('a process that joins others gives no lease more time: theirs went on', async () => {
    await acquire('lock', 1000);
    clock.advance(900);
    await node.close();
    edit("INSERT INTO processes VALUES ('peer', 0)");
    // It may have the pid of this one, as in another container.
    const peer = new ProcessLock(join(home, 'hypercache.sqlite'), 'peer');
    peer.acquire();
    await open();

    await expect(remaining('lock')).resolves.toBe(100);
    peer.release();
  });

  it('who waited in a process that died is not served', async () => {
    const held = cache.lock('lock', { ttl: 60_000 });
    await held.acquire();
    const waiting = cache.lock('lock', { ttl: 60_000 }).acquire({ wait: 60_000 });
    waiting.catch(() => undefined);
    await eventually(async () => {
      expect(await cache.stats()).toMatchObject({ lockWaiters: 1, queued: 0 });
    });
    // Its last sign of life is over.
    clock.advance(1000);
    await crash();
    await cache.restoreLock('lock', held.owner).release();

    await expect(cache.inspectLock('lock')).resolves.toBeUndefined();
  });

  it.each([
    ['forwards', HOUR],
    ['backwards', -HOUR],
  ])('a wall clock that is set %s by an hour changes no lease', async (_where, ms) => {
    const lock = cache.lock('lock', { ttl: 1000 });
    await lock.acquire();
    clock.advance(400);
    clock.jumpTo(clock.now() + ms);

    await expect(remaining('lock')).resolves.toBe(600);
    expect(lock.expiresAt).toBe(clock.now() + 600);
    clock.advance(599);
    expect(lock.isHeld).toBe(true);
    await expect(cache.lock('lock', { ttl: 1 }).acquire()).resolves.toBe(false);
    clock.advance(1);
    expect(lock.isHeld).toBe(false);
    await expect(cache.lock('lock', { ttl: 1 }).acquire()).resolves.toBe(true);
  });

  describe('tokens', () => {
    it('grow over clean stops, crashes, and both in turn', async () => {
      let last = 0;
      for (const end of [restart, crash, crash, restart, restart, crash, restart]) {
        const token = await nextToken();
        expect(token).toBeGreaterThan(last);
        last = token;
        await end();
        expect(await nextToken()).toBeGreaterThan(last);
      }
      expect(Number.isSafeInteger(last)).toBe(true);
    });

    it.each([
      ['a backup', (to: string) => node.backup(join(to, 'hypercache.sqlite'))],
      ['a copy of a stopped one', copyStopped],
      ['a copy of a running one', copyRunning],
    ])('grow from one start to the next of %s', async (_what, copyTo) => {
      const before = await nextToken();
      const origin = newDirectory();
      await copyTo(origin);
      let last = before;
      for (let i = 0; i < 3; i++) {
        clock.advance(1);
        const copy = newDirectory();
        cpSync(origin, copy, { recursive: true });
        await open(copy);
        for (let grants = 0; grants < 10; grants++) {
          const token = await nextToken();
          expect(token).toBeGreaterThan(last);
          last = token;
        }
      }
    });

    it('grow over a lost file, whose leases are lost with it', async () => {
      await node.close();
      await open(home, { sweepInterval: 1 });
      const token = await nextToken('lock');
      const held = cache.lock('held', { ttl: HOUR });
      await held.acquire();
      const { signal } = held;
      for (const suffix of ['', '-wal', '-shm']) {
        rmSync(join(home, `hypercache.sqlite${suffix}`));
      }
      await eventually(() => expect(signal.aborted).toBe(true));

      expect(signal.reason).toMatchObject({ code: 'HC_LOCK_LOST' });
      expect(held.isHeld).toBe(false);
      expect(await nextToken('lock')).toBeGreaterThan(token);
    });

    it('grow over a damaged file, as far as its epoch can be read', async () => {
      for (let i = 0; i < 3; i++) await crash();
      const token = await nextToken();
      // So that what is cut off is no part of the schema.
      for (let i = 0; i < 100; i++) await node.cache('default').set(`k${i}`, 'x'.repeat(100));
      await node.close();
      const file = join(home, 'hypercache.sqlite');
      // Shorter than its header says: SQLite refuses all of it.
      truncateSync(file, statSync(file).size - 1024);
      await open();

      expect(readdirSync(home).some((name) => name.includes('.corrupt-'))).toBe(true);
      expect(await nextToken()).toBeGreaterThan(token);
    });
  });
});
