import { describe, expect, it } from '@jest/globals';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import type { HyperCacheError } from '../../../lib/common/errors.js';
import { OUTBOX_MIGRATIONS } from '../../../lib/sqlite/sql/outbox.js';
import { useDirectClusters } from '../../support/clusters.js';
import { eventually } from '../../support/eventually.js';
import { heardOn } from '../../support/heard-on.js';
import { runSql } from '../../support/sabotage.js';
import { schemaOf, SchemaFixtures } from '../../support/schema-fixtures.js';
import { useDatabases } from '../../support/storages.js';

const FIXTURES = new SchemaFixtures('outbox', OUTBOX_MIGRATIONS);
const VERSIONS = FIXTURES.versions;
const NEWEST = OUTBOX_MIGRATIONS.length;
const OWN = 'hypercache.outbox.sqlite';

describe('Migrations of an outbox', () => {
  const clusters = useDirectClusters();
  const openDatabase = useDatabases();

  function restored(version: number, name = OWN): string {
    const directory = clusters.directory();
    runSql(join(directory, name), FIXTURES.sql(version));
    return directory;
  }

  /** Of a process that has ended, with one write. */
  async function leftOutbox(): Promise<string> {
    const sqlitePath = clusters.directory();
    const options = { sqlitePath, asyncRequests: true, timeout: 50 };
    const { node, cache } = await clusters.secondary(undefined, options);
    await cache.set('later', true);
    await node.close();
    return join(sqlitePath, OWN);
  }

  function makeNewer(path: string): { isUntouched: () => boolean } {
    runSql(path, `PRAGMA user_version = ${NEWEST + 1}`);
    const contents = (): unknown => {
      const database = openDatabase(path);
      const version = database.pragma('user_version', { simple: true });
      const rows = ['meta', 'outbox', 'dead_letters'].map((table) =>
        database.prepare(`SELECT * FROM ${table}`).raw().all(),
      );
      return [version, rows];
    };
    const before = JSON.stringify(contents());
    return { isUntouched: () => JSON.stringify(contents()) === before };
  }

  FIXTURES.describeReleases();

  it.each(VERSIONS)('lead from version %d to the schema of a new file', async (version) => {
    const schemas: unknown[] = [];
    for (const sqlitePath of [restored(version), clusters.directory()]) {
      const { node } = await clusters.secondary(undefined, { sqlitePath, asyncRequests: true });
      await node.close();
      const database = openDatabase(join(sqlitePath, OWN));
      schemas.push([database.pragma('user_version', { simple: true }), schemaOf(database)]);
    }
    expect(schemas[0]).toEqual(schemas[1]);
  });

  it.each(VERSIONS)('keep what waits in a file of version %d, which is sent', async (version) => {
    const primary = await clusters.primary();
    const own = primary.cache('default');
    await own.set('deleted', 1);
    const { node, cache } = await clusters.secondary(primary, {
      sqlitePath: restored(version),
      asyncRequests: true,
    });
    await node.flush();

    const sent = {
      string: 'a "string" with \' and ä',
      number: 0.1,
      plain: { list: [1, 2, 3], name: 'ä' },
      object: { list: [1, 2, 3], at: new Date(0), big: 2n ** 70n },
      bytes: Buffer.from([0, 1, 254, 255]),
      'until 2100': 'value',
      deleted: undefined,
      'of the next start': true,
    };
    for (const reads of [own, cache]) {
      expect(await reads.mget(Object.keys(sent))).toEqual(Object.values(sent));
    }
    // Written as a ttl, hence to the millisecond.
    expect(Math.round(Number(await own.expiresAt('until 2100')) / 1000)).toBe(
      Date.UTC(2100, 0, 1) / 1000,
    );
    expect(await primary.cache('second').get('string')).toBe('of the second');
    expect(await own.deleteTag('red')).toBe(1);
    expect((await node.stats()).outbox).toMatchObject({ entries: 0, deadLetters: 1 });
    expect(node.deadLetters(10)).toEqual([
      {
        at: 1_800_000_000_000,
        code: 'HC_VALUE_TOO_LARGE',
        message: 'It is too large.',
        kind: 'set',
        namespace: 'default',
        key: 'string',
        value: sent.string,
      },
    ]);
  });

  it('of a newer version refuse the start of its node, and say what to do', async () => {
    const sqlitePath = restored(NEWEST);
    const { isUntouched } = makeNewer(join(sqlitePath, OWN));

    await expect(clusters.secondary(undefined, { sqlitePath })).rejects.toMatchObject({
      code: 'HC_SCHEMA_NEWER',
      message: expect.stringContaining(`schema ${NEWEST + 1}`),
      hint: expect.stringMatching(/install/i),
    });
    expect(isUntouched()).toBe(true);
  });

  it('of a newer version that another process has left holds no other one up, and says so', async () => {
    const primary = await clusters.primary();
    const name = 'hypercache.outbox-1.sqlite';
    const sqlitePath = restored(NEWEST, name);
    runSql(join(sqlitePath, 'hypercache.outbox-2.sqlite'), FIXTURES.sql(NEWEST));
    const { isUntouched } = makeNewer(join(sqlitePath, name));
    const heard = await heardOn('hypercache:error', async () => {
      const { cache } = await clusters.secondary(primary, { sqlitePath });
      await cache.set('own', 1);
      const own = primary.cache('default');
      await eventually(async () => expect(await own.mget(['own', 'number'])).toEqual([1, 0.1]));
      // Found by a later look, which comes by the other again.
      renameSync(await leftOutbox(), join(sqlitePath, 'hypercache.outbox-3.sqlite'));
      await eventually(async () => expect(await own.get('later')).toBe(true));
    });

    const codes = (heard as { error: HyperCacheError }[]).map(({ error }) => error.code);
    expect(codes.filter((code) => code === 'HC_SCHEMA_NEWER')).toHaveLength(1);
    expect(isUntouched()).toBe(true);
  });
});
