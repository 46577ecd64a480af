import { describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { MIGRATIONS } from '../../../lib/sqlite/sql/schema.js';
import { hyperCacheOn } from '../../support/hyper-caches.js';
import { useNodes } from '../../support/nodes.js';
import { runSql } from '../../support/sabotage.js';
import { schemaOf, SchemaFixtures } from '../../support/schema-fixtures.js';
import { FILE_NAME, useDatabases, useStorages } from '../../support/storages.js';
import { useTemporaryDirectories } from '../../support/temporary-directory.js';

const FIXTURES = new SchemaFixtures('schema', MIGRATIONS);
const VERSIONS = FIXTURES.versions;

describe('Migrations', () => {
  const newDirectory = useTemporaryDirectories();
  const openStorage = useStorages();
  const openDatabase = useDatabases();
  const startNode = useNodes();

  function restored(version: number): string {
    const directory = newDirectory();
    runSql(join(directory, FILE_NAME), FIXTURES.sql(version));
    return directory;
  }

  FIXTURES.describeReleases();

  it.each(VERSIONS)('lead from version %d to the schema of a new file', (version) => {
    const { storage } = openStorage({ directory: restored(version) });
    const database = openDatabase(storage.path);
    expect(schemaOf(database)).toEqual(schemaOf(openDatabase(openStorage().storage.path)));
    expect(database.pragma('user_version', { simple: true })).toBe(MIGRATIONS.length);
  });

  it.each(VERSIONS)('keep what a file of version %d holds', async (version) => {
    const directory = restored(version);
    const historyId = openDatabase(join(directory, FILE_NAME))
      .prepare(`SELECT value FROM meta WHERE name = 'history_id'`)
      .pluck()
      .get();
    const node = await startNode({ sqlitePath: directory });
    const cache = node.cache('default');

    expect(await node.stats()).toMatchObject({ historyId });
    expect(await cache.get('string')).toBe('a "string" with \' and ä');
    expect(await cache.get('number')).toBe(0.1);
    expect(await cache.get('nothing')).toBeNull();
    expect(await cache.get('object')).toEqual({
      list: [1, 2, 3],
      at: new Date(0),
      big: 2n ** 70n,
      set: new Set([1]),
    });
    expect(await cache.get('bytes')).toEqual(Buffer.from([0, 1, 254, 255]));
    expect(await cache.mget(['expired', 'deleted'])).toEqual([undefined, undefined]);
    // Written as a ttl, hence to the millisecond.
    expect(Math.round(Number(await cache.expiresAt('until 2100')) / 1000)).toBe(
      Date.UTC(2100, 0, 1) / 1000,
    );
    expect(await cache.increment('counter', 1)).toBe(43);
    expect(await cache.deleteTag('red')).toBe(2);
    expect(await cache.mget(['tagged', 'tagged too', 'tagged once'])).toEqual([
      undefined,
      undefined,
      4,
    ]);
    expect(await node.cache('second').mget(['before', 'after'])).toEqual([undefined, 2]);
    expect(await cache.get('small 4')).toEqual({ id: 4, list: [{ id: 4 }, 0] });
  });

  it.each(VERSIONS)('keep the locks of version %d, and their tokens', async (version) => {
    const directory = restored(version);
    const tokenOf = openDatabase(join(directory, FILE_NAME)).prepare(
      'SELECT max(token) FROM leases WHERE name = ?',
    );
    const tokens = ['held', 'free'].map((name) => Number(tokenOf.pluck().get(name)));
    const cache = hyperCacheOn(await startNode({ sqlitePath: directory }));

    // The machine has started again since, so the lease has its full ttl.
    expect(await cache.lock('held', { ttl: 1000 }).acquire()).toBe(false);
    expect(await cache.restoreLock('held', 'its owner').release()).toBe(true);
    for (const [i, name] of ['held', 'free'].entries()) {
      const token = await cache.lock(name, { ttl: 1000 }).run((lease) => lease.token);
      expect(token).toBeGreaterThan(tokens[i] ?? Infinity);
    }
  });

  it('of a newer version refuse the start of a node, and say what to do', async () => {
    const directory = restored(MIGRATIONS.length);
    const file = join(directory, FILE_NAME);
    runSql(file, `PRAGMA user_version = ${MIGRATIONS.length + 1}`);
    await expect(startNode({ sqlitePath: directory })).rejects.toMatchObject({
      code: 'HC_SCHEMA_NEWER',
      message: expect.stringContaining(`schema ${MIGRATIONS.length + 1}`),
      hint: expect.stringMatching(/install|version/i),
    });
    expect(openDatabase(file).prepare('SELECT count(*) FROM entries').pluck().get()).toBe(
      openDatabase(join(restored(MIGRATIONS.length), FILE_NAME))
        .prepare('SELECT count(*) FROM entries')
        .pluck()
        .get(),
    );
  });
});
