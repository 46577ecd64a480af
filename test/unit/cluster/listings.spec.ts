import { describe, expect, it } from '@jest/globals';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { HyperCacheNode, NodeCache } from '../../../lib/node/hyper-cache-node.js';
import { useDirectClusters } from '../../support/clusters.js';
import { eventually } from '../../support/eventually.js';

const clusters = useDirectClusters();

/** More than two pages; at the end of the first page stands a key of which the next one is the direct successor. */
const KEYS = Array.from({ length: 1100 }, (_, i) =>
  i === 500 ? 'key-0499\0' : `key-${String(i).padStart(4, '0')}`,
).toSorted();

const LISTINGS: Readonly<Record<string, (cache: NodeCache) => AsyncIterator<unknown>>> = {
  keys: (cache) => cache.keys('key-'),
  entries: (cache) => cache.entries(),
};

async function listed(
  listing: AsyncIterator<unknown>,
  after: number,
  meanwhile: () => Promise<void>,
): Promise<string[]> {
  const found: string[] = [];
  for (;;) {
    if (found.length === after) await meanwhile();
    const { value, done } = await listing.next();
    if (done === true) return found;
    found.push(Array.isArray(value) ? String(value[0]) : String(value));
  }
}

async function isReady(node: HyperCacheNode): Promise<boolean | undefined> {
  return (await node.stats()).replica?.isReady;
}

describe.each(Object.keys(LISTINGS))('%s of a secondary', (name) => {
  const list = LISTINGS[name] as (typeof LISTINGS)[string];

  it('name each key once when a first snapshot completes meanwhile', async () => {
    const primary = await clusters.primary();
    await primary.cache('default').mset(KEYS.map((key) => ({ key, value: key })));
    const { node, cache, client } = await clusters.secondary(undefined);
    // The greeting and the beginning of the snapshot come; reads go to the primary.
    client.hold(2);
    client.endpoint = primary.sync;

    const found = await listed(list(cache), 500, async () => {
      expect(await isReady(node)).toBe(false);
      client.release();
      await eventually(async () => expect(await isReady(node)).toBe(true));
    });

    expect(found).toEqual(KEYS);
  });

  it('name each key once when the replica is lost meanwhile', async () => {
    const primary = await clusters.primary();
    await primary.cache('default').mset(KEYS.map((key) => ({ key, value: key })));
    const sqlitePath = clusters.directory();
    const { cache, client, node } = await clusters.secondary(primary, {
      sqlitePath,
      sweepInterval: 5,
    });
    await eventually(async () => expect(await isReady(node)).toBe(true));

    const found = await listed(list(cache), 500, async () => {
      client.hold();
      rmSync(join(sqlitePath, 'hypercache.sqlite'));
      await eventually(async () => expect(await isReady(node)).toBe(false));
    });

    expect(found).toEqual(KEYS);
    client.release();
  });
});
