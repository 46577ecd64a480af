import { describe, expect, it } from '@jest/globals';
import { createNode } from '../../../lib/node/create-node.js';
import { resolveOptions } from '../../../lib/node/resolve-options.js';
import { CLUSTER_TOKEN, useDirectClusters } from '../../support/clusters.js';
import { DirectClient } from '../../support/direct-client.js';
import { eventually } from '../../support/eventually.js';

const clusters = useDirectClusters();

describe("a secondary with replica: 'none'", () => {
  it('reads from the primary, and sees at once what others write', async () => {
    const primary = await clusters.primary();
    const { cache, node } = await clusters.secondary(primary, { replica: 'none' });
    const own = primary.cache('default');
    await own.set('a', new Map([['x', 1n]]), { ttl: 60_000, tags: ['t'] });

    expect(await cache.get('a')).toEqual(new Map([['x', 1n]]));
    expect(await cache.has('a')).toBe(true);
    expect(await cache.expiresAt('a')).toBe(await own.expiresAt('a'));
    expect(await cache.getWithRevision('a')).toEqual(await own.getWithRevision('a'));
    await own.set('a', 2);
    expect(await cache.mget(['a', 'b'])).toEqual([2, undefined]);
    expect(await node.stats()).toMatchObject({ replica: { isReady: false, isConnected: true } });
  });

  it('writes through the primary, and reads what it has written', async () => {
    const primary = await clusters.primary();
    const { cache } = await clusters.secondary(primary, { replica: 'none' });
    await cache.set('a', { x: 1 });

    expect(await cache.get('a')).toEqual({ x: 1 });
    expect(await cache.increment('n', 1)).toBe(1);
    expect(await cache.get('n')).toBe(1);
    expect((await cache.wrap('w', () => 'made')).value).toBe('made');
    expect(await primary.cache('default').get('w')).toBe('made');
    expect(await cache.delete('a')).toBe(true);
    expect(await cache.get('a')).toBeUndefined();
  });

  it('lists keys and entries, page by page', async () => {
    const primary = await clusters.primary();
    const { cache } = await clusters.secondary(primary, { replica: 'none' });
    const names = Array.from({ length: 1100 }, (_, i) => `k${String(i).padStart(4, '0')}`);
    await primary.cache('default').mset(names.map((key) => ({ key, value: key })));
    const keys: string[] = [];
    for await (const key of cache.keys('k0')) keys.push(key);
    const entries: [string, unknown][] = [];
    for await (const entry of cache.entries()) entries.push(entry);

    expect(keys).toEqual(names.slice(0, 1000));
    expect(entries).toEqual(names.map((name) => [name, name]));
  });

  it('misses, and says why, while the primary is away', async () => {
    const primary = await clusters.primary();
    const { cache, client, node } = await clusters.secondary(primary, { replica: 'none' });
    const codes: string[] = [];
    node.on('error', ({ error }) => codes.push(error.code));
    await cache.set('a', 1);
    client.endpoint = undefined;

    expect(await cache.get('a')).toBeUndefined();
    expect(codes).toEqual(['HC_PRIMARY_UNREACHABLE']);
    await expect(cache.set('a', 2)).rejects.toMatchObject({ code: 'HC_PRIMARY_UNREACHABLE' });
    expect((await cache.wrap('a', () => 'made')).value).toBe('made');
  });
});

describe("a secondary with replica: 'shared'", () => {
  it("reads from the primary's file", async () => {
    const sqlitePath = clusters.directory();
    const primary = await clusters.primary({ sqlitePath });
    await primary.cache('default').set('a', { x: 1 });
    const { cache, node } = await clusters.secondary(primary, { replica: 'shared', sqlitePath });

    expect(await cache.get('a')).toEqual({ x: 1 });
    const [{ revision, historyId }, own] = [await node.stats(), await primary.stats()];
    expect({ revision, historyId }).toEqual({ revision: own.revision, historyId: own.historyId });
  });

  it('tells how many revisions of the file it has not looked at', async () => {
    const sqlitePath = clusters.directory();
    const primary = await clusters.primary({ sqlitePath });
    const { node } = await clusters.secondary(primary, {
      replica: 'shared',
      sqlitePath,
      coherenceInterval: 1000,
    });
    const lagOf = async (): Promise<number | undefined> => (await node.stats()).replica?.lag;
    expect(await lagOf()).toBe(0);
    for (let i = 0; i < 3; i++) await primary.cache('default').set(`k${i}`, i);

    expect(await lagOf()).toBe(3);
    await eventually(async () => expect(await lagOf()).toBe(0));
  });

  it('reads what it has written, and soon what others write', async () => {
    const sqlitePath = clusters.directory();
    const primary = await clusters.primary({ sqlitePath });
    const { cache } = await clusters.secondary(primary, { replica: 'shared', sqlitePath });
    await cache.set('a', 1);

    expect(await cache.get('a')).toBe(1);
    expect(await cache.increment('a', 4)).toBe(5);
    expect(await cache.get('a')).toBe(5);
    await primary.cache('default').set('a', 6);
    await eventually(async () => expect(await cache.get('a')).toBe(6));
    await primary.cache('default').clear();
    await eventually(async () => expect(await cache.get('a')).toBeUndefined());
  });

  it('starts before the primary has made its file', async () => {
    const sqlitePath = clusters.directory();
    const { cache, client, node } = await clusters.secondary(undefined, {
      replica: 'shared',
      sqlitePath,
    });
    expect(await cache.get('a')).toBeUndefined();
    const primary = await clusters.primary({ sqlitePath });
    client.endpoint = primary.sync;
    await primary.cache('default').set('a', 1);

    await eventually(async () => {
      expect(await node.stats()).toMatchObject({ replica: { isReady: true } });
      expect(await cache.get('a')).toBe(1);
    });
  });
});

describe('a secondary that has lost its primary', () => {
  it('serves what it holds', async () => {
    const primary = await clusters.primary();
    const { cache, client, node } = await clusters.secondary(primary);
    await cache.set('a', 1);
    client.endpoint = undefined;
    client.cut();
    await eventually(async () =>
      expect(await node.stats()).toMatchObject({ replica: { isConnected: false } }),
    );

    expect(await cache.get('a')).toBe(1);
  });

  it("finds nothing after staleAfter with onPrimaryLost: 'miss', until the primary is back", async () => {
    const primary = await clusters.primary();
    const { cache, client, node } = await clusters.secondary(primary, {
      asyncRequests: true,
      onPrimaryLost: 'miss',
      staleAfter: 1,
    });
    await cache.set('a', 1);
    await node.flush();
    client.endpoint = undefined;
    client.cut();
    await eventually(async () =>
      expect(await node.stats()).toMatchObject({ replica: { isStale: true } }),
    );

    expect(await cache.get('a')).toBeUndefined();
    expect(await cache.mget(['a'])).toEqual([undefined]);
    await cache.set('b', 'mine');
    expect(await cache.get('b')).toBe('mine');
    client.endpoint = primary.sync;
    await eventually(async () => expect(await cache.get('a')).toBe(1));
    expect(await node.stats()).toMatchObject({ replica: { isStale: false } });
  });
});

describe('a secondary whose first snapshot takes long', () => {
  it('starts meanwhile, and reads from the primary until it is complete', async () => {
    const primary = await clusters.primary();
    await primary.cache('default').set('a', 1);
    const client = new DirectClient(primary.sync);
    // The greeting and the beginning of the snapshot come.
    client.hold(2);
    const options = resolveOptions(
      {
        role: 'secondary',
        primaryUrl: 'http://direct',
        sqlitePath: clusters.directory(),
        apiToken: CLUSTER_TOKEN,
      },
      {},
    );
    const node = createNode(options, { primaryClient: () => client });
    try {
      await node.start();

      expect(await node.stats()).toMatchObject({ replica: { isReady: false, isConnected: false } });
      expect(await node.cache('default').get('a')).toBe(1);
      client.release();
      await eventually(async () =>
        expect(await node.stats()).toMatchObject({ replica: { isReady: true } }),
      );
      expect(await node.cache('default').get('a')).toBe(1);
    } finally {
      await node.close();
    }
  });
});
