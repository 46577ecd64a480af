import { describe, expect, it } from '@jest/globals';
import { copyFileSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { seededRandom } from '../../sample/01-single-node/src/replay/seeded-random.js';
import type { HyperCacheNode } from '../../lib/node/hyper-cache-node.js';
import { FILE_NAME } from '../../lib/sqlite/storage.js';
import { campaign } from '../support/campaign.js';
import { useDirectClusters } from '../support/clusters.js';
import { eventually } from '../support/eventually.js';
import { hyperCacheOn } from '../support/hyper-caches.js';

const CUTS = 5 * campaign.factor;
const WRITES = 200;
const KEYS = Array.from({ length: 20 }, (_, i) => `key${i}`);

interface Value {
  readonly history: 'old' | 'new';
  readonly n: number;
}

describe('A primary that a power loss throws back', () => {
  const clusters = useDirectClusters();

  const tokenOn = (node: HyperCacheNode): Promise<number> =>
    hyperCacheOn(node)
      .lock('lock', { ttl: 60_000 })
      .run(({ token }) => token);

  async function write(node: HyperCacheNode, history: Value['history'], count: number) {
    for (let n = 0; n < count; n++) {
      await node.cache('default').set(KEYS[n % KEYS.length] ?? '', { history, n });
    }
  }

  /** What is on the disk when the power comes back: the log ends somewhere. */
  function crash(home: string, share: number): { home: string; isCut: boolean } {
    const copy = clusters.directory();
    for (const suffix of ['', '-wal']) {
      copyFileSync(join(home, FILE_NAME + suffix), join(copy, FILE_NAME + suffix));
    }
    const log = join(copy, `${FILE_NAME}-wal`);
    const { size } = statSync(log);
    truncateSync(log, Math.floor(size * share));
    return { home: copy, isCut: share < 0.99 };
  }

  it('is caught up with by replicas that were ahead, and its tokens never repeat', async () => {
    const random = seededRandom(campaign.seed);
    for (let cut = 0; cut < CUTS; cut++) {
      const home = clusters.directory();
      // What was there at a clean stop is in the file itself.
      const founder = await clusters.primary({ sqlitePath: home });
      await write(founder, 'old', KEYS.length);
      await founder.close();
      const old = await clusters.primary({ sqlitePath: home });
      const { node, cache, client } = await clusters.secondary(old, { asyncRequests: true });
      await write(old, 'old', WRITES);
      await cache.set('sent', 1);
      await node.flush();
      const token = Math.max(await tokenOn(old), await tokenOn(node));
      const { revision } = await old.stats();
      await eventually(async () =>
        expect((await node.stats()).revision).toBeGreaterThanOrEqual(revision),
      );
      client.endpoint = undefined;
      client.cut();
      await cache.set('accepted', 2);
      const { home: left, isCut } = crash(home, cut === 0 ? 0 : random());
      const primary = await clusters.primary({ sqlitePath: left });
      // Revisions that the replica has already, with other content.
      await write(primary, 'new', Math.floor(random() * 2 * WRITES));
      const before = (await node.stats()).replica?.snapshots ?? 0;
      client.endpoint = primary.sync;
      const seen = new Map<string, Value>();
      const back: string[] = [];
      await eventually(async () => {
        for (const [i, value] of ((await cache.mget(KEYS)) as Value[]).entries()) {
          const key = KEYS[i] ?? '';
          if (seen.get(key)?.history === 'new' && value?.history !== 'new') back.push(key);
          seen.set(key, value);
        }
        const { replica, revision: reached, outbox } = await node.stats();
        expect(outbox?.entries).toBe(0);
        expect(replica?.isConnected).toBe(true);
        expect(reached).toBe((await primary.stats()).revision);
      });
      const own = primary.cache('default');

      expect(back).toEqual([]);
      expect(await cache.mget([...KEYS, 'sent'])).toEqual(await own.mget([...KEYS, 'sent']));
      expect(await own.get('accepted')).toBe(2);
      expect(await tokenOn(node)).toBeGreaterThan(token);
      expect(await tokenOn(primary)).toBeGreaterThan(token + 1);
      const { replica, historyId, epoch } = await node.stats();
      expect({ historyId, epoch }).toEqual({
        historyId: (await primary.stats()).historyId,
        epoch: (await primary.stats()).epoch,
      });
      if (isCut) expect(replica?.snapshots).toBe(before + 1);
      for (const one of [node, primary, old]) await one.close();
    }
  });
});
