import { describe, expect, it } from '@jest/globals';
import { useDirectClusters } from '../../support/clusters.js';
import { eventually } from '../../support/eventually.js';
import { useNodes } from '../../support/nodes.js';
import { canMountDisks, fillDisk, freeDisk, useSmallDisks } from '../../support/small-disk.js';

describe('The health of a node', () => {
  const startNode = useNodes();
  const clusters = useDirectClusters();
  const disks = useSmallDisks();

  it('is that of a primary', async () => {
    const node = await startNode();
    await node.cache('default').set('key', 1);

    expect(node.health()).toEqual({
      role: 'primary',
      isOpen: true,
      writes: undefined,
      queued: 0,
      incidents: { lastMinute: 0, lastCode: undefined },
      position: { historyId: expect.any(String), epoch: expect.any(Number), revision: 1 },
    });
    const { historyId, epoch, revision } = await node.stats();
    expect(node.health().position).toEqual({ historyId, epoch, revision });

    await node.close();

    expect(node.health()).toMatchObject({ isOpen: false, position: undefined });
  });

  it('is that of a secondary, with its primary and without', async () => {
    const primary = await clusters.primary();
    const { node, cache } = await clusters.secondary(primary);
    await cache.set('key', 1);
    await eventually(() =>
      expect(node.health()).toMatchObject({
        role: 'secondary',
        isOpen: true,
        replica: { isReady: true, isConnected: true, isStale: false, lag: 0 },
        outbox: { entries: 0, bytes: 0, deadLetters: 0 },
        position: primary.health().position,
      }),
    );

    await primary.close();

    await eventually(() =>
      expect(node.health()).toMatchObject({ isOpen: true, replica: { isConnected: false } }),
    );
    await node.close();
    expect(node.health()).toMatchObject({ isOpen: false });
  });

  it('is that of a secondary which holds nothing itself', async () => {
    const primary = await clusters.primary();
    const { node, cache } = await clusters.secondary(primary, { replica: 'none' });
    await cache.set('key', 1);

    expect(node.health()).toMatchObject({ role: 'secondary', isOpen: true, queued: 0 });
  });

  (canMountDisks ? it : it.skip)('says that the disk is full, until writes go on', async () => {
    const disk = disks.mount();
    const node = await startNode({ sqlitePath: disk });
    const cache = node.cache('default');
    await cache.set('first', 1);
    fillDisk(disk);

    await expect(cache.set('key', 'x'.repeat(1_000_000))).rejects.toMatchObject({
      code: 'HC_STORAGE_FULL',
    });

    expect(node.health()).toMatchObject({ isOpen: true, writes: 'HC_STORAGE_FULL' });

    freeDisk(disk);
    await cache.set('key', 'x');

    expect(node.health()).toMatchObject({ writes: undefined });
    await node.close();
  });
});
