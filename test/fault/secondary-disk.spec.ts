import { describe, expect, it } from '@jest/globals';
import { useDirectClusters } from '../support/clusters.js';
import { eventually } from '../support/eventually.js';
import { itWhere } from '../support/machine-tools.js';
import { canMountDisks, fillDisk, freeDisk, useSmallDisks } from '../support/small-disk.js';

const itOnADisk = itWhere(canMountDisks, 'right to mount a disk: full disks');

describe('A secondary', () => {
  // Afterwards the nodes are closed before their disks go: in the order of the code.
  const clusters = useDirectClusters();
  const disks = useSmallDisks();

  itOnADisk('whose outbox has no room on the disk says so, and recovers', async () => {
    const primary = await clusters.primary();
    const sqlitePath = disks.mount();
    const { node, cache, client } = await clusters.secondary(primary, {
      sqlitePath,
      asyncRequests: true,
    });
    await cache.set('key', 'value');
    await node.flush();
    client.endpoint = undefined;
    client.cut();
    await cache.set('accepted', 1);
    fillDisk(sqlitePath);
    const accepted: string[] = [];
    let refusal: unknown;
    for (let i = 0; i < 100 && refusal === undefined; i++) {
      await cache.set(`more${i}`, 'x'.repeat(1000)).then(
        () => accepted.push(`more${i}`),
        (error: unknown) => (refusal = error),
      );
    }

    expect(refusal).toMatchObject({ code: 'HC_STORAGE_FULL' });
    await expect(cache.set('accepted', 'x'.repeat(1000))).rejects.toMatchObject({
      code: 'HC_STORAGE_FULL',
    });
    expect(await cache.mget(['key', 'accepted'])).toEqual(['value', 1]);
    // It is sent, though the outbox cannot note it.
    client.endpoint = primary.sync;
    await eventually(async () => expect(await primary.cache('default').get('accepted')).toBe(1));
    freeDisk(sqlitePath);
    await eventually(() => cache.set('after', 2));
    await node.flush();
    const keys = ['accepted', 'after', ...accepted];
    expect(await primary.cache('default').mget(keys)).toEqual(await cache.mget(keys));
    expect(await cache.get('after')).toBe(2);
    expect((await node.stats()).outbox?.entries).toBe(0);
  });

  itOnADisk('whose replica has no room on the disk serves what it has, and recovers', async () => {
    const primary = await clusters.primary();
    const sqlitePath = disks.mount();
    const { node, cache } = await clusters.secondary(primary, { sqlitePath });
    const errors = new Set<string>();
    node.on('error', ({ error }) => errors.add(error.code));
    const own = primary.cache('default');
    await own.set('key', 'value');
    await eventually(async () => expect(await cache.get('key')).toBe('value'));
    fillDisk(sqlitePath);
    for (let i = 0; i < 200; i++) await own.set(`large${i}`, `${i}`.padEnd(1000, 'x'));
    await own.set('key', 'newer');
    await eventually(() => expect(errors).toContain('HC_STORAGE_FULL'));

    expect(await cache.get('key')).toBe('value');
    freeDisk(sqlitePath);
    await eventually(async () => expect(await cache.get('key')).toBe('newer'));
    expect(await cache.get('large199')).toBe('199'.padEnd(1000, 'x'));
    await cache.set('after', 1);
    expect(await own.get('after')).toBe(1);
  });
});

describe('A primary that was away for longer than its log goes back', () => {
  const clusters = useDirectClusters();

  it('is caught up with by one snapshot, and gets the outbox', async () => {
    const primary = await clusters.primary({ changeLogEntries: 1000, sweepInterval: 1 });
    const { node, cache, client } = await clusters.secondary(primary, { asyncRequests: true });
    const own = primary.cache('default');
    const { snapshots = 0 } = (await node.stats()).replica ?? {};
    client.endpoint = undefined;
    client.cut();
    const accepted = Array.from({ length: 500 }, (_, i) => `accepted${i}`);
    for (const key of accepted) await cache.set(key, key);
    for (let i = 0; i < 20_000; i++) void own.set(`key${i % 100}`, i);
    await own.set('last', 1);
    await eventually(async () => expect(await own.get('last')).toBe(1));
    client.endpoint = primary.sync;
    await node.flush();
    await eventually(async () => expect(await cache.get('last')).toBe(1));

    expect((await node.stats()).replica?.snapshots).toBe(snapshots + 1);
    expect(await own.mget(accepted)).toEqual(accepted);
    const keys = Array.from({ length: 100 }, (_, i) => `key${i}`);
    expect(await cache.mget(keys)).toEqual(await own.mget(keys));
  });
});
