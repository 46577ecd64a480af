import { describe, expect, it } from '@jest/globals';
import {
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { adopt } from '../../../lib/admin/adopt.js';
import type { HyperCacheNode } from '../../../lib/node/hyper-cache-node.js';
import { useDirectClusters } from '../../support/clusters.js';
import { eventually } from '../../support/eventually.js';

const clusters = useDirectClusters();
const FILE = 'hypercache.sqlite';

async function fill(node: HyperCacheNode, count: number): Promise<void> {
  const entries = Array.from({ length: count }, (_, i) => ({ key: `k${i}`, value: `v${i}` }));
  await node.cache('default').mset(entries);
}

/** A directory that holds a backup of the node. */
async function backedUp(node: HyperCacheNode): Promise<string> {
  const directory = clusters.directory();
  await node.backup(join(directory, FILE));
  return directory;
}

describe('a backup', () => {
  it('holds what was committed before it was called', async () => {
    const primary = await clusters.primary();
    await fill(primary, 1000);
    const sqlitePath = await backedUp(primary);
    const { historyId, revision } = await primary.stats();
    const restored = await clusters.primary({ sqlitePath });

    expect(await restored.stats()).toMatchObject({ revision, l2: { entries: 1000 } });
    expect((await restored.stats()).historyId).not.toBe(historyId);
    expect(await restored.cache('default').get('k999')).toBe('v999');
    expect(readdirSync(sqlitePath).toSorted()).toEqual([
      FILE,
      expect.stringMatching(`^${FILE}-process-[0-9a-f]+$`),
      `${FILE}-shm`,
      `${FILE}-wal`,
    ]);
  });

  it('counts its entries anew, because the file that it was made of had them in memory', async () => {
    const sqlitePath = clusters.directory();
    const primary = await clusters.primary({ sqlitePath });
    await fill(primary, 10);
    await primary.close();
    const again = await clusters.primary({ sqlitePath });
    await again.cache('default').set('one more', 1);
    const restored = await clusters.primary({ sqlitePath: await backedUp(again) });

    expect(await restored.stats()).toMatchObject({ l2: { entries: 11 } });
  });

  it('is of one point in time, while the node writes', async () => {
    const primary = await clusters.primary();
    const cache = primary.cache('default');
    await fill(primary, 5000);
    let isDone = false;
    const backup = backedUp(primary).finally(() => {
      isDone = true;
    });
    // Each pair is one transaction's work, the second after the first.
    for (let n = 1; !isDone; n++) {
      await cache.set('first', n);
      await cache.set('second', n);
    }
    const restored = await clusters.primary({ sqlitePath: await backup });
    const [first = 0, second = 0] = (await restored
      .cache('default')
      .mget(['first', 'second'])) as number[];

    expect([second, second + 1]).toContain(first);
    expect((await restored.stats()).l2.entries).toBeGreaterThanOrEqual(5000);
  });

  it('does not hold the event loop', async () => {
    const primary = await clusters.primary({ l1: false });
    const value = 'x'.repeat(100_000);
    for (let i = 0; i < 200; i++) await primary.cache('default').set(`k${i}`, value);
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    await backedUp(primary);
    delay.disable();

    expect(delay.percentile(99) / 1e6).toBeLessThan(50);
  });

  it('begins a new history when it is restored, above every token since', async () => {
    const primary = await clusters.primary();
    await fill(primary, 10);
    const sqlitePath = await backedUp(primary);
    const lock = primary.locks.lock('l', { ttl: 60_000 });
    await lock.acquire();
    const { epoch } = await primary.stats();
    const restored = await clusters.primary({ sqlitePath });
    const again = restored.locks.lock('l', { ttl: 60_000 });
    await again.acquire();

    const { epoch: next, historyId } = await restored.stats();
    expect(next).toBeGreaterThan(epoch);
    expect(again.token).toBeGreaterThan(Number(lock.token));
    await restored.close();
    const later = await clusters.primary({ sqlitePath });
    expect(await later.stats()).toMatchObject({ historyId });
  });

  it('makes replicas that are ahead of it take a snapshot', async () => {
    const primary = await clusters.primary();
    await fill(primary, 10);
    const sqlitePath = await backedUp(primary);
    const { node, cache, client } = await clusters.secondary(primary);
    await primary.cache('default').set('later', 1);
    await eventually(() => expect(cache.get('later')).toBe(1));
    await primary.close();
    const restored = await clusters.primary({ sqlitePath });
    client.endpoint = restored.sync;
    await eventually(async () =>
      expect(await node.stats()).toMatchObject({ replica: { isConnected: true, snapshots: 2 } }),
    );

    expect(await cache.mget(['k0', 'later'])).toEqual(['v0', undefined]);
  });

  it('of a primary, adopted, lets a secondary start without a snapshot', async () => {
    const primary = await clusters.primary();
    await fill(primary, 10);
    const sqlitePath = await backedUp(primary);
    await primary.cache('default').set('later', 1);
    await expect(clusters.secondary(primary, { sqlitePath })).rejects.toMatchObject({
      code: 'HC_ROLE_MISMATCH',
      message: expect.stringContaining('npx --no hypercache adopt'),
    });
    const other = await backedUp(primary);
    expect(adopt(other)).toMatchObject({ revision: 11 });
    await primary.cache('default').set('latest', 2);
    const { node, cache } = await clusters.secondary(primary, { sqlitePath: other });
    await eventually(() => expect(cache.get('latest')).toBe(2));

    expect(await cache.mget(['k9', 'later'])).toEqual(['v9', 1]);
    expect(await node.stats()).toMatchObject({ replica: { snapshots: 0 } });
    expect(() => adopt(other)).toThrow(expect.objectContaining({ code: 'HC_FILE_IN_USE' }));
  });

  it('of a secondary lets another one start without a snapshot', async () => {
    const primary = await clusters.primary();
    await fill(primary, 10);
    const first = await clusters.secondary(primary);
    const sqlitePath = await backedUp(first.node);
    const { node, cache } = await clusters.secondary(primary, { sqlitePath });

    expect(await node.stats()).toMatchObject({ replica: { isConnected: true, snapshots: 0 } });
    expect(await cache.get('k9')).toBe('v9');
  });

  it('overwrites nothing, and leaves nothing when it fails', async () => {
    const primary = await clusters.primary();
    const directory = clusters.directory();
    const path = join(directory, 'taken');
    writeFileSync(path, 'mine');

    await expect(primary.backup(path)).rejects.toMatchObject({ code: 'HC_BACKUP_FAILED' });
    const nowhere = join(directory, 'missing', FILE);
    await expect(primary.backup(nowhere)).rejects.toMatchObject({ code: 'HC_BACKUP_FAILED' });
    expect(readdirSync(directory)).toEqual(['taken']);
    expect(existsSync(nowhere)).toBe(false);
  });

  it('has one winner of several to one path', async () => {
    const primary = await clusters.primary();
    await fill(primary, 2000);
    const sqlitePath = clusters.directory();
    const path = join(sqlitePath, FILE);
    const tries = await Promise.allSettled(Array.from({ length: 4 }, () => primary.backup(path)));

    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const one of tries) {
      if (one.status === 'rejected') {
        expect(one.reason).toMatchObject({ code: 'HC_BACKUP_FAILED' });
      }
    }
    expect(readdirSync(sqlitePath)).toEqual([FILE]);
    const restored = await clusters.primary({ sqlitePath });
    expect(await restored.stats()).toMatchObject({ l2: { entries: 2000 } });
  });

  it('writes through no file that another user has put beside it', async () => {
    const primary = await clusters.primary();
    await fill(primary, 10);
    const directory = clusters.directory();
    const path = join(directory, FILE);
    const victim = join(directory, 'victim');
    writeFileSync(victim, 'mine');
    symlinkSync(victim, `${path}.partial`);
    await primary.backup(path);

    expect(readFileSync(victim, 'utf8')).toBe('mine');
    expect(readdirSync(directory).toSorted()).toEqual([FILE, `${FILE}.partial`, 'victim']);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('needs a file of its own', async () => {
    const primary = await clusters.primary();
    const { node } = await clusters.secondary(primary, { replica: 'none' });

    await expect(node.backup(join(clusters.directory(), FILE))).rejects.toMatchObject({
      code: 'HC_BACKUP_FAILED',
    });
  });
});
