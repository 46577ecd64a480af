import { describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { storeAll } from '../../../lib/keyv/store-all.js';
import type { HyperCacheStats } from '../../../lib/node/hyper-cache-node.js';
import type { HyperCacheOptions } from '../../../lib/node/options.js';
import { useDirectClusters } from '../../support/clusters.js';
import { useNodes } from '../../support/nodes.js';
import { runSql } from '../../support/sabotage.js';
import { FILE_NAME } from '../../support/storages.js';
import { useTemporaryDirectories } from '../../support/temporary-directory.js';

/** The bounds of the queues: so many writes, and so many bytes. */
const TOO_MANY = 200_001;
const BYTES = 256 * 1024 * 1024;
const LARGE = 'x'.repeat(8_000_000);

/** As many and as long as they may be, and as many entries with them as are too many. */
const TAGS = Array.from({ length: 64 }, (_, i) => String(i).padEnd(1000, 'x'));
const TAGGED = Math.ceil(BYTES / (TAGS.length * 1000)) + 1;

const numbered = (count: number, value: unknown): { key: string; value: unknown }[] =>
  Array.from({ length: count }, (_, i) => ({ key: `k${i}`, value }));

const SIZES = [
  ['too many values', numbered(TOO_MANY, 1)],
  ['too many bytes', numbered(Math.ceil(BYTES / LARGE.length) + 1, LARGE)],
  ['too many bytes of tags', numbered(TAGGED, 1).map((entry) => ({ ...entry, tags: TAGS }))],
] as const;

const DURABILITIES: readonly HyperCacheOptions[] = [
  { durability: 'normal', l1: false },
  { durability: 'relaxed', l1: false },
];

describe('many writes at once', () => {
  const startNode = useNodes();
  const clusters = useDirectClusters();
  const newDirectory = useTemporaryDirectories();

  describe.each(DURABILITIES)('on a primary with durability $durability', (options) => {
    it.each(SIZES)('are refused as a whole when they are %s', async (_name, entries) => {
      const node = await startNode(options);
      const cache = node.cache('n');

      await expect(cache.mset(entries)).rejects.toMatchObject({ code: 'HC_QUEUE_FULL' });
      expect((node.stats() as HyperCacheStats).queued).toBe(0);
      expect(cache.has('k0')).toBe(false);
      await cache.set('next', 1);
      expect(cache.get('next')).toBe(1);
    });

    it('are refused as a whole when they are too many keys to delete', async () => {
      const node = await startNode(options);
      const cache = node.cache('n');
      await cache.set('k0', 1);
      await cache.set('behind', 1);

      await expect(
        cache.mdelete(numbered(TOO_MANY, 0).map(({ key }) => key)),
      ).rejects.toMatchObject({ code: 'HC_QUEUE_FULL' });
      expect(cache.get('k0')).toBe(1);
    });

    it('are refused as a whole when the node is closed', async () => {
      const node = await startNode(options);
      const cache = node.cache('n');
      await node.close();

      await expect(cache.mset(numbered(3, 1))).rejects.toMatchObject({ code: 'HC_CLOSED' });
      await expect(cache.mdelete(['k0'])).rejects.toMatchObject({ code: 'HC_CLOSED' });
    });
  });

  it('leave no write that fails later, with no caller to tell, when they are relaxed', async () => {
    const sqlitePath = newDirectory();
    const node = await startNode({ sqlitePath, durability: 'relaxed', l1: false });
    const incidents: unknown[] = [];
    node.on('error', (incident) => incidents.push(incident));
    runSql(
      join(sqlitePath, FILE_NAME),
      `CREATE TRIGGER refuse BEFORE INSERT ON changes BEGIN SELECT RAISE(ABORT, 'refused'); END`,
    );

    await expect(node.cache('n').mset(numbered(TOO_MANY, 1))).rejects.toMatchObject({
      code: 'HC_QUEUE_FULL',
    });
    await node.flush();
    expect(incidents).toEqual([]);
  });

  it.each([true, false])(
    'are refused as a whole on a secondary, asyncRequests: %s',
    async (asyncRequests) => {
      const primary = await clusters.primary();
      const { node, cache, client } = await clusters.secondary(primary, { asyncRequests });
      const before = client.exchanges;

      await expect(cache.mset(numbered(TOO_MANY, 1))).rejects.toMatchObject({
        code: 'HC_QUEUE_FULL',
      });
      await node.flush();
      expect(client.exchanges).toBe(before);
      expect(await primary.cache('default').has('k0')).toBe(false);
    },
  );

  it('are refused as a whole when one has a bad key, also one whose value is undefined', async () => {
    const node = await startNode();
    const cache = node.cache('n');

    await expect(
      storeAll(cache, [
        { key: 'k0', value: 1 },
        { key: '', value: undefined },
      ]),
    ).rejects.toMatchObject({ code: 'HC_KEY_INVALID' });
    expect(cache.has('k0')).toBe(false);
  });
});
