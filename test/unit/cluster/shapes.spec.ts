import { describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { join } from 'node:path';
import type { HyperCacheNode } from '../../../lib/node/hyper-cache-node.js';
import { promote } from '../../../lib/admin/promote.js';
import { useDirectClusters, type DirectSecondary } from '../../support/clusters.js';
import { DirectClient } from '../../support/direct-client.js';
import { eventually } from '../../support/eventually.js';
import { FILE_NAME } from '../../support/storages.js';

const clusters = useDirectClusters();

const product = (id: number) => ({ id, name: `product ${id}`, sizes: [{ width: id }, 0] });
const order = (id: number) => ({ id, lines: [product(id)], paid: true });

interface Rows {
  readonly shapes: unknown[];
  readonly values: [key: string, value: unknown][];
}

function rowsOf(directory: string): Rows {
  const database = new Database(join(directory, FILE_NAME), { readonly: true });
  try {
    const all = (sql: string) => database.prepare(sql).raw().all();
    return {
      shapes: all('SELECT id, names FROM shapes ORDER BY id'),
      values: all('SELECT key, value FROM entries ORDER BY key') as Rows['values'],
    };
  } finally {
    database.close();
  }
}

async function writeTo(
  { node }: { node: HyperCacheNode },
  make: (id: number) => object,
  prefix = 'k',
): Promise<void> {
  for (let id = 0; id < 8; id++) await node.cache('default').set(`${prefix}${id}`, make(id));
}

async function expectIn(
  { node }: { node: HyperCacheNode },
  make: (id: number) => object,
  prefix = 'k',
): Promise<void> {
  for (let id = 0; id < 8; id++) {
    expect(await node.cache('default').get(`${prefix}${id}`)).toEqual(make(id));
  }
}

async function caughtUp(primary: HyperCacheNode, { node }: DirectSecondary): Promise<void> {
  const { revision } = await primary.stats();
  await eventually(async () =>
    expect(await node.stats()).toMatchObject({ revision, replica: { isReady: true } }),
  );
}

describe('The shapes of values', () => {
  it('come with the changes, before what needs them', async () => {
    const [own, copied] = [clusters.directory(), clusters.directory()];
    const primary = await clusters.primary({ sqlitePath: own });
    const secondary = await clusters.secondary(primary, { sqlitePath: copied, l1: false });
    await caughtUp(primary, secondary);
    await writeTo({ node: primary }, product);
    await writeTo({ node: primary }, order, 'o');
    await caughtUp(primary, secondary);

    await expectIn(secondary, product);
    await expectIn(secondary, order, 'o');
    expect(rowsOf(own).shapes).toHaveLength(3);
    expect(rowsOf(copied)).toEqual(rowsOf(own));
  });

  it('come with a snapshot', async () => {
    const [own, copied] = [clusters.directory(), clusters.directory()];
    const primary = await clusters.primary({ sqlitePath: own });
    await writeTo({ node: primary }, product);
    const secondary = await clusters.secondary(primary, { sqlitePath: copied, l1: false });
    await caughtUp(primary, secondary);
    await expectIn(secondary, product);
    await writeTo({ node: primary }, order, 'o');
    await caughtUp(primary, secondary);
    await expectIn(secondary, order, 'o');
    expect(rowsOf(copied)).toEqual(rowsOf(own));
  });

  it.each([false, true])(
    'are those of the primary for what is written elsewhere, asynchronously: %s',
    async (asyncRequests) => {
      const own = clusters.directory();
      const primary = await clusters.primary({ sqlitePath: own });
      const secondary = await clusters.secondary(primary, { asyncRequests, l1: false });
      await writeTo(secondary, product);
      await secondary.node.flush();
      await expectIn(secondary, product);
      await expectIn({ node: primary }, product);
      const { values } = rowsOf(own);
      expect(values.filter(([, value]) => !String(value).startsWith('\t'))).toEqual([]);
      expect(values.at(-1)?.[1]).toBe('\t[7,"product 7",[[7,2],0,0],1]');
    },
  );

  it("are not needed by who holds nothing, or reads the primary's file", async () => {
    const sqlitePath = clusters.directory();
    const primary = await clusters.primary({ sqlitePath });
    const none = await clusters.secondary(primary, { replica: 'none' });
    await writeTo({ node: primary }, product);
    const shared = await clusters.secondary(primary, { replica: 'shared', sqlitePath, l1: false });
    for (const secondary of [none, shared]) {
      await expectIn(secondary, product);
      const found: unknown[] = [];
      for await (const [, value] of secondary.cache.entries()) found.push(value);
      expect(found).toEqual(Array.from({ length: 8 }, (_, id) => product(id)));
      expect(await secondary.cache.getWithRevision('k7')).toMatchObject({ value: product(7) });
    }
    expect(await none.cache.pull('k7')).toEqual(product(7));
    expect(await primary.cache('default').pull('k6')).toEqual(product(6));
  });

  it('go on in a replica that is promoted', async () => {
    const directory = clusters.directory();
    const primary = await clusters.primary();
    const heir = await clusters.secondary(primary, { sqlitePath: directory });
    const other = await clusters.secondary(primary, { l1: false });
    await writeTo({ node: primary }, product);
    await caughtUp(primary, heir);
    await caughtUp(primary, other);
    await heir.node.close();
    promote(directory);
    const successor = await clusters.primary(
      { sqlitePath: directory },
      { primaryClient: () => new DirectClient(undefined) },
    );
    other.client.endpoint = successor.sync;
    other.client.cut();
    await writeTo({ node: successor }, order, 'o');
    await caughtUp(successor, other);
    await expectIn(other, product);
    await expectIn(other, order, 'o');
    expect(rowsOf(directory).shapes).toHaveLength(3);
  });

  it('are no value that another node may send', async () => {
    const primary = await clusters.primary();
    const { cache } = await clusters.secondary(primary);
    // As a string it may.
    await cache.set('tab', '\t[1]');
    await cache.set('line feed', '\n{}');
    expect(await primary.cache('default').mget(['tab', 'line feed'])).toEqual(['\t[1]', '\n{}']);
  });
});
