import { beforeEach, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { PrimaryUnreachableError } from '../../../lib/common/errors.js';
import type { HyperCacheNode } from '../../../lib/node/hyper-cache-node.js';
import { useDirectClusters, type DirectSecondary } from '../../support/clusters.js';
import { eventually } from '../../support/eventually.js';
import { runSql } from '../../support/sabotage.js';
import { FILE_NAME, useDatabases } from '../../support/storages.js';

/** How long another connection may hold the lock of the writers, in ms: a checkpoint, or somebody's shell. */
const HELD_MS = 300;
const KEYS = Array.from({ length: 50 }, (_, i) => `key-${i}`);

describe("A replica's file that another connection has locked for a while", () => {
  const clusters = useDirectClusters();
  const openDatabase = useDatabases();
  let primary: HyperCacheNode;
  let home: string;
  let sqlitePath: string;
  let secondary: DirectSecondary;
  let events: string[];
  const start = (options = {}) =>
    clusters.secondary(primary, { sqlitePath, sweepInterval: 20, ...options });

  beforeEach(async () => {
    home = clusters.directory();
    primary = await clusters.primary({ sqlitePath: home });
    sqlitePath = clusters.directory();
    await primary.cache('default').set('before', 1);
    secondary = await start();
    events = [];
    secondary.node.on('replica:lost', ({ error }) => events.push(`lost ${error.code}`));
    secondary.node.on('error', ({ error, during }) => events.push(`${error.code} ${during}`));
  });

  /** Resolves when the lock is given back. */
  async function whileLocked(body: () => Promise<void>, heldMs = HELD_MS): Promise<void> {
    const other = openDatabase(join(sqlitePath, FILE_NAME));
    other.exec('BEGIN IMMEDIATE');
    try {
      await Promise.all([body(), delay(heldMs)]);
    } finally {
      other.exec('ROLLBACK');
    }
  }

  const entriesOf = (directory: string): unknown[] =>
    openDatabase(join(directory, FILE_NAME))
      .prepare('SELECT key, revision, value, expires_at FROM entries ORDER BY key')
      .all();

  async function expectSame(): Promise<void> {
    const { revision, historyId } = await primary.stats();
    await eventually(async () => {
      expect(await secondary.node.stats()).toMatchObject({ revision, historyId });
    });
    // Under the primary's revisions: what was done twice would have later ones.
    expect(entriesOf(sqlitePath)).toEqual(entriesOf(home));
    expect((await secondary.node.stats()).replica?.snapshots).toBe(1);
  }

  async function writeMuch(): Promise<void> {
    const cache = primary.cache('default');
    for (const key of KEYS) await cache.set(key, key);
    await cache.delete('key-3');
    await cache.increment('count', 2);
    await cache.set('key-4', 'later');
  }

  it('takes what was written meanwhile, once and in order, without losing its primary', async () => {
    await whileLocked(async () => {
      await writeMuch();
      expect(await secondary.cache.mget(['before', 'key-0'])).toEqual([1, undefined]);
    });

    await expectSame();
    expect(events).toEqual([]);
    expect(secondary.client.feeds).toHaveLength(1);
  });

  it('says so when it lasts, and takes it all the same', async () => {
    await whileLocked(writeMuch, 2500);

    await expectSame();
    expect(events.slice(0, 2)).toEqual([
      'lost HC_STORAGE_BUSY',
      'HC_STORAGE_BUSY following the primary',
    ]);
    await eventually(async () => {
      expect(await secondary.node.stats()).toMatchObject({ replica: { isConnected: true } });
    });
  });

  it('connects to its primary', async () => {
    // What has to be noted then.
    runSql(join(sqlitePath, FILE_NAME), `INSERT INTO meta VALUES ('accept_new_history', '1')`);
    await whileLocked(async () => {
      secondary.client.cut();
      await eventually(() => expect(secondary.client.feeds).toHaveLength(2));
    });
    await writeMuch();

    await expectSame();
    expect(events).toEqual([
      'lost HC_PRIMARY_UNREACHABLE',
      'HC_PRIMARY_UNREACHABLE following the primary',
    ]);
    expect(secondary.client.feeds).toHaveLength(2);
  });

  it('lets a write wait until it can be read', async () => {
    const found: unknown[] = [];
    const write = async (): Promise<void> => {
      found.push(await secondary.cache.increment('count', 1), await secondary.cache.get('count'));
    };
    let written: Promise<void> | undefined;
    await whileLocked(async () => {
      written = write();
      await eventually(async () => expect(await primary.cache('default').get('count')).toBe(1));
      expect(found).toEqual([]);
    });

    await written;
    expect(found).toEqual([1, 1]);
    expect(events).toEqual([]);
  });

  describe('while the feed is away', () => {
    beforeEach(async () => {
      const { sync } = primary;
      if (sync === undefined) throw new Error('A primary can be followed.');
      secondary.client.endpoint = {
        exchange: (request) => sync.exchange(request),
        wait: (request, sink) => sync.wait(request, sink),
        feed: () => {
          throw new PrimaryUnreachableError('direct', 'only the feed is away');
        },
      };
      secondary.client.cut();
      await eventually(() => expect(events).toContain('lost HC_PRIMARY_UNREACHABLE'));
      await expect(secondary.cache.increment('count', 1)).resolves.toBe(1);
    });

    it('makes no write fail that the primary has done', async () => {
      const { cache } = secondary;
      let counts: Promise<number[]> | undefined;
      await whileLocked(async () => {
        counts = Promise.all([cache.increment('count', 1), cache.increment('count', 1)]);
        await eventually(async () => {
          expect(await primary.cache('default').get('count')).toBe(3);
        });
      });

      await expect(counts).resolves.toEqual([2, 3]);
      expect(await cache.get('count')).toBe(3);
    });

    it('tells of a write that it is done and not here, if nothing can be written at all', async () => {
      runSql(
        join(sqlitePath, FILE_NAME),
        `CREATE TRIGGER refuse BEFORE INSERT ON changes BEGIN SELECT RAISE(ABORT, 'full'); END`,
      );

      await expect(secondary.cache.increment('count', 1)).rejects.toMatchObject({
        code: 'HC_REPLICA_BEHIND',
      });
      expect(events).toContain('HC_STORAGE_FAILED applying what was written');
      expect(await primary.cache('default').get('count')).toBe(2);
    });
  });

  it('is told how its primary is, to the other processes too', async () => {
    const other = await start();
    const states: string[] = [];
    other.node.on('replica:lost', () => states.push('lost'));
    other.node.on('replica:connected', () => states.push('connected'));
    await eventually(async () => {
      expect(await other.node.stats()).toMatchObject({ replica: { isConnected: true } });
    });
    await whileLocked(async () => {
      secondary.client.endpoint = undefined;
      secondary.client.cut();
      await eventually(() => expect(events.length).toBeGreaterThan(0));
    });

    await eventually(() => expect(states.at(-1)).toBe('lost'));
  });
});
