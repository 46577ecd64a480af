import { beforeEach, describe, expect, it } from '@jest/globals';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';
import type { HyperCacheNode } from '../../../lib/node/hyper-cache-node.js';
import { FileLock } from '../../../lib/sqlite/file-lock.js';
import { useDirectClusters, type DirectSecondary } from '../../support/clusters.js';
import { eventually } from '../../support/eventually.js';
import { checkpointFromOutside, overwritePages, runSql } from '../../support/sabotage.js';
import { FILE_NAME, useDatabases } from '../../support/storages.js';

describe('Several processes of a secondary, in one directory', () => {
  const clusters = useDirectClusters();
  const openDatabase = useDatabases();
  let primary: HyperCacheNode;
  let sqlitePath: string;
  let first: DirectSecondary;
  let second: DirectSecondary;
  const start = (options = {}) => clusters.secondary(primary, { sqlitePath, ...options });
  const bothHave = (key: string, value: unknown) =>
    eventually(async () => {
      expect([await first.cache.get(key), await second.cache.get(key)]).toEqual([value, value]);
    });

  beforeEach(async () => {
    primary = await clusters.primary();
    sqlitePath = clusters.directory();
    await primary.cache('default').set('a', 1);
    first = await start();
    second = await start();
  });

  it('read one replica, which one of them keeps up to date', async () => {
    await bothHave('a', 1);
    await primary.cache('default').set('a', 2);
    await bothHave('a', 2);
    await primary.cache('default').delete('a');
    await bothHave('a', undefined);

    expect([first.client.feeds.length, second.client.feeds.length]).toEqual([1, 0]);
    await eventually(async () => {
      const { revision } = await primary.stats();
      expect(await second.node.stats()).toMatchObject({
        revision,
        historyId: (await primary.stats()).historyId,
        replica: { isReady: true, isConnected: true },
      });
    });
  });

  it('read what each of them writes', async () => {
    for (let i = 0; i < 20; i++) {
      const [writer, reader] = i % 2 === 0 ? [first, second] : [second, first];
      await writer.cache.set('key', i);
      expect(await writer.cache.get('key')).toBe(i);
      await eventually(async () => expect(await reader.cache.get('key')).toBe(i));
    }
    await expect(second.cache.increment('count', 2)).resolves.toBe(2);
    expect(await second.cache.get('count')).toBe(2);
  });

  it('go on when the one that follows has ended', async () => {
    await bothHave('a', 1);
    await first.node.close();
    await primary.cache('default').set('a', 2);
    await eventually(async () => expect(await second.cache.get('a')).toBe(2));
    expect(second.client.feeds.length).toBe(1);
    await second.cache.set('b', 3);
    expect(await second.cache.get('b')).toBe(3);

    const third = await start();
    await primary.cache('default').set('a', 4);
    await eventually(async () => expect(await third.cache.get('a')).toBe(4));
    expect(third.client.feeds).toEqual([]);
  });

  it('go on as soon with a long coherence interval', async () => {
    const third = await start({ coherenceInterval: 1000 });
    await second.node.close();
    await first.node.close();

    await eventually(() => expect(third.client.feeds.length).toBe(1));
  });

  it('turn to the file that a snapshot has brought', async () => {
    await bothHave('a', 1);
    const other = await clusters.primary();
    await other.cache('default').set('a', 'other');
    for (const { client } of [first, second]) {
      client.endpoint = other.sync;
      client.cut();
    }

    await bothHave('a', 'other');
    await other.cache('default').set('a', 'later');
    await bothHave('a', 'later');
  });

  describe('one of which is stopped', () => {
    // What its process holds then, held by this one.
    let stopped: FileLock;
    let loop: IntervalHistogram;

    beforeEach(async () => {
      await bothHave('a', 1);
      stopped = new FileLock(join(sqlitePath, 'hypercache.lock'));
      loop = monitorEventLoopDelay({ resolution: 1 });
      loop.enable();
      await turns(1);
    });
    const turns = (count: number): Promise<void> => {
      const end = loop.count + count;
      return eventually(() => expect(loop.count).toBeGreaterThanOrEqual(end));
    };
    const isReady = async ({ node }: DirectSecondary): Promise<unknown> =>
      (await node.stats()).replica?.isReady;
    const expectFreeLoop = (): void => {
      loop.disable();
      expect(loop.max / 1e6).toBeLessThan(500);
    };

    it('while it exchanges the file, go on, and open none until it is done', async () => {
      expect(stopped.tryAcquire()).toBe(true);
      const third = await start();
      expect(await third.cache.get('a')).toBe(1);
      await turns(50);

      expectFreeLoop();
      expect(await isReady(third)).toBe(false);
      stopped.release();
      await eventually(async () => expect(await isReady(third)).toBe(true));
    });

    it('while it opens the file, go on, and exchange none until it is done', async () => {
      stopped.shareNow();
      const other = await clusters.primary();
      await other.cache('default').set('a', 'other');
      for (const { client } of [first, second]) {
        client.endpoint = other.sync;
        client.cut();
      }
      // It has waited, and tries again.
      await eventually(() => expect(first.client.feeds).toHaveLength(3));

      expectFreeLoop();
      expect(await first.cache.get('a')).toBe(1);
      // Beside others who open it.
      const third = await start();
      await eventually(async () => expect(await isReady(third)).toBe(true));
      stopped.release();
      await bothHave('a', 'other');
    });

    it('while it opens the file, lead in the place of one that has ended', async () => {
      stopped.shareNow();
      const lead = new FileLock(join(sqlitePath, 'hypercache.lead'));
      await first.node.close();
      for (let tries = 0; tries < 2; tries++) {
        const beat = lead.lastBeat();
        await eventually(() => expect(lead.lastBeat()).not.toBe(beat));
      }
      await eventually(async () => expect(await isReady(second)).toBe(true));

      expectFreeLoop();
      expect(second.client.feeds).toEqual([]);
      stopped.release();
      await eventually(() => expect(second.client.feeds).toHaveLength(1));
    });
  });

  it('do not take the word of one that was killed for a connection', async () => {
    const told: string[] = [];
    await bothHave('a', 1);
    await eventually(async () => {
      expect(await second.node.stats()).toMatchObject({ replica: { isConnected: true } });
    });
    second.node.on('replica:lost', () => told.push('lost'));
    second.node.on('replica:connected', () => told.push('connected'));
    // Nobody can take over while another process opens the file.
    const opening = new FileLock(join(sqlitePath, 'hypercache.lock'));
    opening.shareNow();
    const lead = new FileLock(join(sqlitePath, 'hypercache.lead'));
    await first.node.close();
    runSql(
      join(sqlitePath, FILE_NAME),
      `UPDATE meta SET value = '{"isConnected":true}' WHERE name = 'feed_state'`,
    );
    for (let tries = 0; tries < 3; tries++) {
      const beat = lead.lastBeat();
      await eventually(() => expect(lead.lastBeat()).not.toBe(beat));
    }
    expect(told).toEqual(['lost']);
    expect(await second.node.stats()).toMatchObject({ replica: { isConnected: false } });

    opening.release();
    await eventually(() => expect(told).toEqual(['lost', 'connected']));
  });

  it('tell of a primary that is lost, each of them', async () => {
    const told: string[] = [];
    second.node.on('replica:lost', () => told.push('lost'));
    second.node.on('replica:connected', () => told.push('connected'));
    await eventually(async () => {
      expect(await second.node.stats()).toMatchObject({ replica: { isConnected: true } });
    });
    first.client.endpoint = undefined;
    first.client.cut();
    await eventually(() => expect(told.at(-1)).toBe('lost'));
    first.client.endpoint = primary.sync;

    await eventually(() => expect(told.slice(-2)).toEqual(['lost', 'connected']));
  });

  it('show no credentials of its address, each of them', async () => {
    const told: unknown[] = [];
    const log = (line: string) => void told.push(line);
    const home = clusters.directory();
    const startTelling = async () => {
      const telling = await clusters.secondary(
        primary,
        { sqlitePath: home, primaryUrl: 'http://me:hush@direct' },
        { logger: { log, warn: log, error: log } },
      );
      telling.node.on('replica:lost', ({ error }) => told.push(error.message));
      return telling;
    };
    const leader = await startTelling();
    const standby = await startTelling();
    await eventually(async () => {
      expect(await standby.node.stats()).toMatchObject({ replica: { isConnected: true } });
    });
    leader.client.endpoint = undefined;
    leader.client.cut();
    await eventually(async () => {
      expect(await standby.node.stats()).toMatchObject({ replica: { isConnected: false } });
    });

    expect(told.length).toBeGreaterThanOrEqual(6);
    expect(told.filter((text) => String(text).includes('hush'))).toEqual([]);
  });

  it('tell of a process that follows the primary and does not answer, and which it is', async () => {
    const third = await start({ coherenceInterval: 1, onPrimaryLost: 'miss', staleAfter: 50 });
    await second.node.close();
    const told: string[] = [];
    third.node.on('replica:lost', ({ error }) => told.push(`${error.code} ${error.message}`));
    await eventually(async () => expect(await third.cache.get('a')).toBe(1));
    const stopped = new FileLock(join(sqlitePath, 'hypercache.lead'));
    await first.node.close();
    expect(stopped.tryAcquire()).toBe(true);

    await eventually(() => expect(told).toHaveLength(1));
    expect(told[0]).toMatch(/^HC_PRIMARY_UNREACHABLE .*\(pid \d+\) does not answer/);
    await eventually(async () => expect(await third.cache.get('a')).toBeUndefined());

    stopped.release();
    await eventually(async () => expect(await third.cache.get('a')).toBe(1));
    expect(third.client.feeds).toHaveLength(1);
  });

  it('serve nothing of a primary that has been away for too long, each of them', async () => {
    const options = { onPrimaryLost: 'miss', staleAfter: 50 } as const;
    const third = await start(options);
    await eventually(async () => expect(await third.cache.get('a')).toBe(1));
    for (const { client } of [first, third]) {
      client.endpoint = undefined;
      client.cut();
    }
    await eventually(async () => expect(await third.cache.get('a')).toBeUndefined());
    for (const { client } of [first, third]) client.endpoint = primary.sync;

    await eventually(async () => expect(await third.cache.get('a')).toBe(1));
  });

  it('serve nothing of a primary that was away when they started, and stays so', async () => {
    first.client.endpoint = undefined;
    first.client.cut();
    await eventually(async () => {
      expect(await first.node.stats()).toMatchObject({ replica: { isConnected: false } });
    });
    const late = await start({ onPrimaryLost: 'miss', staleAfter: 50 });

    await eventually(async () => {
      expect(await late.node.stats()).toMatchObject({ replica: { isStale: true } });
    });
    expect(await late.cache.get('a')).toBeUndefined();
  });

  it('send what one of them has accepted and left', async () => {
    const third = await start({ asyncRequests: true });
    third.client.endpoint = undefined;
    third.client.cut();
    await third.cache.set('left', 1);
    await third.cache.set('a', 'left');
    await third.node.close();

    await eventually(async () => {
      expect(await primary.cache('default').mget(['left', 'a'])).toEqual([1, 'left']);
    });
    await bothHave('a', 'left');
  });

  describe('whose file is damaged', () => {
    const KEYS = Array.from({ length: 500 }, (_, i) => `key:${i}`);
    const LARGE = 'x'.repeat(200);
    // Nobody looks at the file but who reads.
    const quiet = { l1: false, sweepInterval: 3_600_000 } as const;

    it('leave it to the one that follows to put it aside', async () => {
      sqlitePath = clusters.directory();
      const leader = await start(quiet);
      const other = await start(quiet);
      await primary.cache('default').mset(KEYS.map((key) => ({ key, value: LARGE })));
      await eventually(async () => {
        expect(await other.node.stats()).toMatchObject({
          revision: (await primary.stats()).revision,
        });
      });
      const recoveries: string[] = [];
      const errors: string[] = [];
      for (const [name, { node }] of Object.entries({ leader, other })) {
        node.on('recovered', () => recoveries.push(name));
        node.on('error', ({ error }) => errors.push(`${name}: ${error.code}`));
      }
      const putAside = (): string[] =>
        readdirSync(sqlitePath).filter((file) => /\.corrupt-\d+$/.test(file));
      checkpointFromOutside(join(sqlitePath, FILE_NAME));
      overwritePages(join(sqlitePath, FILE_NAME), 2);

      expect(await other.cache.mget(KEYS)).toEqual(KEYS.map(() => undefined));
      expect(errors).toContain('other: HC_STORAGE_FAILED');
      expect([recoveries, putAside()]).toEqual([[], []]);

      await leader.cache.get('key:1');
      expect(recoveries).toEqual(['leader']);
      await eventually(async () => {
        for (const { cache } of [leader, other]) {
          expect(await cache.mget(KEYS)).toEqual(KEYS.map(() => LARGE));
        }
        expect(await other.node.stats()).toMatchObject({ replica: { isReady: true } });
      });
      expect([recoveries, putAside()]).toEqual([['leader'], [expect.any(String)]]);
    });
  });

  it.each([
    ['that it has the file open', 'processes', '1'],
    ['how it is with the primary', 'meta', `new.name = 'feed_state'`],
  ])('try again to follow when one could not note %s', async (_what, table, condition) => {
    const third = await start({ coherenceInterval: 1 });
    await second.node.close();
    const errors: string[] = [];
    third.node.on('error', ({ error, during }) => errors.push(`${error.code} ${during}`));
    const file = join(sqlitePath, FILE_NAME);
    // As on a disk that is full: the file can be read.
    runSql(
      file,
      `CREATE TRIGGER refuse BEFORE INSERT ON ${table} WHEN ${condition}
       BEGIN SELECT RAISE(ABORT, 'full'); END`,
    );
    await first.node.close();
    await eventually(() => {
      expect(errors).toContain('HC_STORAGE_FAILED following the primary');
    });

    // Meanwhile it reads, and whoever can may follow.
    const writers = openDatabase(file).prepare('SELECT count(*) FROM processes').pluck();
    await eventually(async () => {
      expect(await third.node.stats()).toMatchObject({ replica: { isReady: true } });
      expect(writers.get()).toBe(0);
    });
    const lead = new FileLock(join(sqlitePath, 'hypercache.lead'));
    await eventually(() => expect(lead.tryAcquire()).toBe(true));
    expect(third.client.feeds).toEqual([]);

    runSql(file, 'DROP TRIGGER refuse');
    lead.release();
    await primary.cache('default').set('a', 2);
    await eventually(async () => expect(await third.cache.get('a')).toBe(2));
    expect(third.client.feeds).toHaveLength(1);
    expect(await third.node.stats()).toMatchObject({ replica: { isConnected: true } });
  });
});
