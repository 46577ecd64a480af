import { describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { cpSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { PrimaryTimeoutError } from '../../../lib/common/errors.js';
import { adopt } from '../../../lib/admin/adopt.js';
import type { HyperCacheNode } from '../../../lib/node/hyper-cache-node.js';
import { inspect } from '../../../lib/admin/inspect.js';
import type { HyperCacheOptions } from '../../../lib/node/options.js';
import { promote } from '../../../lib/admin/promote.js';
import type { SyncEndpoint } from '../../../lib/cluster/wire/sync-endpoint.js';
import { OUTBOX_MIGRATIONS } from '../../../lib/sqlite/sql/outbox.js';
import { useDirectClusters, type DirectSecondary } from '../../support/clusters.js';
import { DirectClient } from '../../support/direct-client.js';
import { eventually } from '../../support/eventually.js';
import { heardOn } from '../../support/heard-on.js';
import { runSql } from '../../support/sabotage.js';

const clusters = useDirectClusters();

interface Cluster {
  readonly primary: HyperCacheNode;
  readonly primaryDirectory: string;
  /** The one that is to be promoted. */
  readonly heir: DirectSecondary;
  readonly heirDirectory: string;
  readonly other: DirectSecondary;
}

/** A primary that does what it is asked, and whose answers are lost. */
function answerless(primary: HyperCacheNode): SyncEndpoint {
  const { sync } = primary;
  if (sync === undefined) throw new Error('A primary can be followed.');
  return {
    feed: (request, sink) => sync.feed(request, sink),
    wait: (request, sink) => sync.wait(request, sink),
    async exchange(request) {
      await sync.exchange(request);
      throw new PrimaryTimeoutError('http://direct', 'the answer was lost');
    },
  };
}

async function start(options: HyperCacheOptions = {}): Promise<Cluster> {
  const primaryDirectory = clusters.directory();
  const heirDirectory = clusters.directory();
  const primary = await clusters.primary({ sqlitePath: primaryDirectory });
  await primary.cache('default').set('first', 1);
  const heir = await clusters.secondary(primary, { sqlitePath: heirDirectory });
  const other = await clusters.secondary(primary, options);
  await primary.cache('default').set('second', { n: 2 }, { tags: ['t'] });
  await caughtUp(primary, heir);
  await caughtUp(primary, other);
  return { primary, primaryDirectory, heir, heirDirectory, other };
}

async function caughtUp(primary: HyperCacheNode, { node }: DirectSecondary): Promise<void> {
  const { historyId, revision } = await primary.stats();
  await eventually(async () =>
    expect(await node.stats()).toMatchObject({
      historyId,
      revision,
      replica: { isConnected: true },
    }),
  );
}

/** Stops the heir, promotes it, and starts it again. */
async function promoted(
  { heir, heirDirectory }: Cluster,
  former = new DirectClient(undefined),
): Promise<HyperCacheNode> {
  await heir.node.close();
  promote(heirDirectory);
  return clusters.primary({ sqlitePath: heirDirectory }, { primaryClient: () => former });
}

function turnTo({ client }: DirectSecondary, primary: HyperCacheNode): void {
  client.endpoint = primary.sync;
  client.cut();
}

const codesOf = (node: HyperCacheNode): string[] => {
  const codes: string[] = [];
  node.on('error', ({ error }) => codes.push(error.code));
  return codes;
};

describe('a secondary that was promoted', () => {
  it('goes on with its data, and replicas follow it without a snapshot', async () => {
    const cluster = await start();
    await cluster.primary.close();
    const before = (await cluster.other.node.stats()).revision;
    const successor = await promoted(cluster);
    turnTo(cluster.other, successor);
    await successor.cache('default').set('third', 3);
    await caughtUp(successor, cluster.other);

    const { cache, node } = cluster.other;
    expect(await cache.mget(['first', 'second', 'third'])).toEqual([1, { n: 2 }, 3]);
    expect(await node.stats()).toMatchObject({ revision: before + 1, replica: { snapshots: 1 } });
    expect(await successor.cache('default').deleteTag('t')).toBe(1);
  });

  it('gives a snapshot to a replica that was ahead of it', async () => {
    const cluster = await start();
    const { primary, heir, other } = cluster;
    heir.client.endpoint = undefined;
    heir.client.cut();
    await primary.cache('default').set('lost', true);
    await caughtUp(primary, other);
    await primary.close();
    const successor = await promoted(cluster);
    turnTo(other, successor);
    await caughtUp(successor, other);

    expect(await other.cache.mget(['first', 'lost'])).toEqual([1, undefined]);
    expect(await other.node.stats()).toMatchObject({ replica: { snapshots: 2 } });
  });

  it('is followed over two promotions', async () => {
    const cluster = await start();
    const { primary, other } = cluster;
    const lateDirectory = clusters.directory();
    const late = await clusters.secondary(primary, { sqlitePath: lateDirectory });
    await caughtUp(primary, late);
    await late.node.close();
    await primary.close();
    const second = await promoted(cluster);
    const thirdDirectory = clusters.directory();
    await other.node.close();
    const third = await clusters.secondary(second, { sqlitePath: thirdDirectory });
    await second.cache('default').set('third', 3);
    await caughtUp(second, third);
    await second.close();
    await third.node.close();
    promote(thirdDirectory);
    const last = await clusters.primary({ sqlitePath: thirdDirectory });
    const back = await clusters.secondary(last, { sqlitePath: lateDirectory });
    await caughtUp(last, back);

    expect(inspect(thirdDirectory).ancestors).toHaveLength(2);
    expect(await back.cache.mget(['first', 'third'])).toEqual([1, 3]);
  });

  it('gives larger fencing tokens than the former primary', async () => {
    const cluster = await start();
    const old = cluster.primary.locks.lock('l', { ttl: 60_000 });
    await old.acquire();
    await cluster.primary.close();
    const successor = await promoted(cluster);
    const lock = successor.locks.lock('l', { ttl: 60_000 });

    expect(await lock.acquire()).toBe(true);
    expect(lock.token).toBeGreaterThan(Number(old.token));
  });

  it('makes the holders of locks start over', async () => {
    const cluster = await start();
    const lock = cluster.other.node.locks.lock('l', { ttl: 60_000 });
    const lost = lock.run(
      ({ signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason));
        }),
    );
    const outcome = expect(lost).rejects.toMatchObject({ code: 'HC_LOCK_LOST' });
    await eventually(() => expect(lock.token).toBeDefined());
    await cluster.primary.close();
    turnTo(cluster.other, await promoted(cluster));

    await outcome;
  });
});

describe('an asynchronous write that the former primary had done, and not answered,', () => {
  /** The first write is done and not answered; the key is written again by somebody else. */
  async function inDoubt({ primary, other, heir }: Cluster): Promise<void> {
    const own = primary.cache('default');
    other.client.endpoint = answerless(primary);
    await other.cache.set('doubted', 'first');
    await eventually(async () => expect(await own.get('doubted')).toBe('first'));
    await own.set('doubted', 'newer');
    await caughtUp(primary, heir);
    await primary.close();
  }

  const ASYNC = { asyncRequests: true } as const;

  it('is not done again by the node that was promoted', async () => {
    const cluster = await start(ASYNC);
    await inDoubt(cluster);
    const successor = await promoted(cluster);
    turnTo(cluster.other, successor);
    await cluster.other.cache.set('after', true);
    await cluster.other.node.flush();

    expect(await successor.cache('default').mget(['doubted', 'after'])).toEqual(['newer', true]);
  });

  it('is not done again by one that has learnt of it from a snapshot', async () => {
    const cluster = await start(ASYNC);
    const { primary, heir, other } = cluster;
    other.client.endpoint = answerless(primary);
    await other.cache.set('doubted', 'first');
    await eventually(async () =>
      expect(await primary.cache('default').get('doubted')).toBe('first'),
    );
    await primary.cache('default').set('doubted', 'newer');
    await heir.node.close();
    const sqlitePath = clusters.directory();
    const late = await clusters.secondary(primary, { sqlitePath });
    await caughtUp(primary, late);
    await primary.close();
    const successor = await promoted({ ...cluster, heir: late, heirDirectory: sqlitePath });
    turnTo(other, successor);
    await other.node.flush();

    expect(await successor.cache('default').get('doubted')).toBe('newer');
  });

  it('nor by the next one that is promoted', async () => {
    const cluster = await start(ASYNC);
    const sqlitePath = clusters.directory();
    const late = await clusters.secondary(cluster.primary, { sqlitePath });
    late.client.endpoint = undefined;
    late.client.cut();
    await inDoubt(cluster);
    const successor = await promoted(cluster);
    turnTo(late, successor);
    await caughtUp(successor, late);
    expect(await late.node.stats()).toMatchObject({ replica: { snapshots: 1 } });
    await successor.close();
    const last = await promoted({ ...cluster, heir: late, heirDirectory: sqlitePath });
    turnTo(cluster.other, last);
    await cluster.other.node.flush();

    expect(await last.cache('default').get('doubted')).toBe('newer');
  });

  it('is done when the promoted node has not received it', async () => {
    const cluster = await start(ASYNC);
    const { primary, heir, other } = cluster;
    heir.client.endpoint = undefined;
    heir.client.cut();
    other.client.endpoint = answerless(primary);
    await other.cache.set('doubted', 'first');
    await eventually(async () =>
      expect(await primary.cache('default').get('doubted')).toBe('first'),
    );
    await primary.close();
    const successor = await promoted(cluster);
    turnTo(other, successor);
    await other.node.flush();

    expect(await successor.cache('default').get('doubted')).toBe('first');
  });

  it('is done exactly as far as the promoted node has received the batch it came in', async () => {
    const cluster = await start(ASYNC);
    const { primary, heir, other } = cluster;
    const keys = Array.from({ length: 700 }, (_, i) => `key-${i}`);
    const others = Array.from({ length: 100 }, (_, i) => `other-${i}`);
    heir.client.endpoint = undefined;
    heir.client.cut();
    // So that the batches of the feed end inside the transactions: frames that were made for others are forgotten.
    await primary.cache('default').mset(others.map((key) => ({ key, value: key })));
    other.client.endpoint = answerless(primary);
    await Promise.all(keys.map((key) => other.cache.set(key, 'first')));
    await eventually(async () =>
      expect(await primary.cache('default').get('key-699')).toBe('first'),
    );
    for (let i = 0; i < 20; i++) await primary.cache('default').set('last', i);
    // The greeting, and the first of several batches.
    heir.client.hold(2);
    heir.client.endpoint = primary.sync;
    const before = (await heir.node.stats()).revision;
    await eventually(async () =>
      expect((await heir.node.stats()).revision).toBeGreaterThan(before),
    );
    const received = (await heir.node.stats()).revision - before - others.length;
    expect(received).toBe(400);
    await primary.close();
    const successor = await promoted(cluster);
    const own = successor.cache('default');
    await own.mset(keys.map((key) => ({ key, value: 'newer' })));
    turnTo(other, successor);
    await other.node.flush();

    const values = await own.mget(keys);
    expect(values.filter((value) => value === 'newer')).toHaveLength(received);
    expect(values.slice(received)).toEqual(keys.slice(received).map(() => 'first'));
  });
});

describe('what a promoted node has accepted itself', () => {
  it('is done at its start, in order, and once', async () => {
    const cluster = await start();
    const { primary, heir, heirDirectory } = cluster;
    const own = primary.cache('default');
    await heir.node.close();
    const options = { sqlitePath: heirDirectory, asyncRequests: true };
    const accepting = await clusters.secondary(primary, options);
    accepting.client.endpoint = answerless(primary);
    await accepting.cache.set('doubted', 'first');
    await eventually(async () => expect(await own.get('doubted')).toBe('first'));
    await own.set('doubted', 'newer');
    await caughtUp(primary, accepting);
    accepting.client.endpoint = undefined;
    accepting.client.cut();
    await Promise.all(
      Array.from({ length: 1200 }, (_, i) => accepting.cache.set(`key-${i}`, { i })),
    );
    await accepting.cache.set('key-0', 'last', { tags: ['own'] });
    await accepting.cache.delete('first');
    await accepting.node.close();
    await primary.close();

    expect(promote(heirDirectory).waiting).toBeGreaterThan(1200);
    const successor = await clusters.primary({ sqlitePath: heirDirectory });
    const cache = successor.cache('default');
    expect(await cache.mget(['doubted', 'first', 'key-0', 'key-1199'])).toEqual([
      'newer',
      undefined,
      'last',
      { i: 1199 },
    ]);
    await cache.set('key-0', 'after');
    await successor.close();
    const again = await clusters.primary({ sqlitePath: heirDirectory });
    expect(await again.cache('default').get('key-0')).toBe('after');
    expect(await again.cache('default').deleteTag('own')).toBe(0);
  });

  it('is told of when it is refused', async () => {
    const cluster = await start();
    await cluster.heir.node.close();
    const { heirDirectory } = cluster;
    const options = { sqlitePath: heirDirectory, asyncRequests: true };
    const accepting = await clusters.secondary(undefined, options);
    await accepting.cache.set('large', 'x'.repeat(2000));
    await accepting.cache.set('small', 1);
    await accepting.node.close();
    promote(heirDirectory);
    const lines: string[] = [];
    const note = (line: string): void => void lines.push(line);
    const heard = await heardOn('hypercache:outbox:refused', async () => {
      const successor = await clusters.primary({
        sqlitePath: heirDirectory,
        maxValueSize: 1000,
        logger: { log: note, warn: note, error: note },
      });
      expect(await successor.cache('default').mget(['large', 'small'])).toEqual([undefined, 1]);
      expect(await successor.stats()).toMatchObject({ incidents: 1 });
    });

    expect(heard).toEqual([
      {
        namespace: 'default',
        key: 'large',
        error: expect.objectContaining({ code: 'HC_VALUE_TOO_LARGE' }),
      },
    ]);
    expect(lines.join()).toContain('HC_VALUE_TOO_LARGE');
  });
});

describe('an outbox of a newer version that waits for a promoted node', () => {
  it('is left as it is and told of once, and what waits in the others is done', async () => {
    const cluster = await start();
    await cluster.heir.node.close();
    const { heirDirectory } = cluster;
    const names = ['', '-1', '-2'].map((end) => `hypercache.outbox${end}.sqlite`);
    const [newer = '', ...others] = names.map((name) => join(heirDirectory, name));
    for (const [i, path] of [...others, newer].entries()) {
      const options = { sqlitePath: heirDirectory, asyncRequests: true, timeout: 50 };
      const { node, cache } = await clusters.secondary(undefined, options);
      await cache.set(`key-${i}`, i);
      await node.close();
      renameSync(newer, path);
    }
    runSql(newer, `PRAGMA user_version = ${OUTBOX_MIGRATIONS.length + 1}`);
    const before = readFileSync(newer);
    promote(heirDirectory);
    const lines: string[] = [];
    const note = (line: string): void => void lines.push(line);
    const logger = { log: note, warn: note, error: note };
    const successor = await clusters.primary({ sqlitePath: heirDirectory, logger });

    const keys = ['key-0', 'key-1', 'key-2'];
    expect(await successor.cache('default').mget(keys)).toEqual([0, 1, undefined]);
    const told = lines.filter((line) => line.startsWith('HC_SCHEMA_NEWER'));
    expect(told).toEqual([expect.stringContaining(newer)]);
    expect(await successor.stats()).toMatchObject({ incidents: 1 });
    expect(readFileSync(newer).equals(before)).toBe(true);
  });
});

describe('the former primary', () => {
  it('is told, and refuses at once and at every later start', async () => {
    const cluster = await start();
    const { primary, primaryDirectory, other } = cluster;
    const codes = codesOf(primary);
    await promoted(cluster, new DirectClient(primary.sync));
    await eventually(() => expect(codes).toContain('HC_SUPERSEDED'));

    const refused = { code: 'HC_SUPERSEDED' };
    await expect(primary.cache('default').set('a', 1)).rejects.toMatchObject(refused);
    const lock = primary.locks.lock('l', { ttl: 1000 });
    await expect(lock.acquire()).rejects.toMatchObject(refused);
    await expect(other.node.locks.lock('l', { ttl: 1000 }).acquire()).rejects.toMatchObject(
      refused,
    );
    await expect(clusters.secondary(primary)).rejects.toMatchObject(refused);
    expect(await primary.cache('default').get('first')).toBe(1);
    await primary.close();
    for (let starts = 0; starts < 2; starts++) {
      await expect(clusters.primary({ sqlitePath: primaryDirectory })).rejects.toMatchObject({
        ...refused,
        message: expect.stringContaining('npx --no hypercache adopt'),
      });
    }
  });

  it('is told when it comes back', async () => {
    const cluster = await start();
    const { primaryDirectory, heirDirectory } = cluster;
    await cluster.primary.close();
    const client = new DirectClient(undefined);
    await promoted(cluster, client);
    await eventually(() => expect(client.exchanges).toBeGreaterThan(1));
    expect(inspect(heirDirectory)).toMatchObject({ untold: 'http://direct/' });
    const back = await clusters.primary({ sqlitePath: primaryDirectory });
    client.endpoint = back.sync;

    await eventually(() =>
      expect(back.cache('default').set('a', 1)).rejects.toMatchObject({ code: 'HC_SUPERSEDED' }),
    );
    await eventually(() => expect(inspect(heirDirectory).untold).toBeUndefined());
  });

  it('is refused by those who follow the promoted node', async () => {
    const cluster = await start();
    const { primary, other } = cluster;
    const successor = await promoted(cluster);
    turnTo(other, successor);
    await caughtUp(successor, other);
    const codes = codesOf(other.node);
    turnTo(other, primary);
    await eventually(() => expect(codes).toContain('HC_SUPERSEDED'));

    expect(await other.node.stats()).toMatchObject({
      historyId: (await successor.stats()).historyId,
      replica: { isConnected: false },
    });
    expect(await other.cache.get('first')).toBe(1);
  });

  it('follows as a secondary, once it is adopted', async () => {
    const cluster = await start();
    const { primary, primaryDirectory } = cluster;
    const codes = codesOf(primary);
    const successor = await promoted(cluster, new DirectClient(primary.sync));
    await eventually(() => expect(codes).toContain('HC_SUPERSEDED'));
    await primary.close();
    adopt(primaryDirectory);
    await successor.cache('default').set('third', 3);
    const { node, cache } = await clusters.secondary(successor, { sqlitePath: primaryDirectory });

    expect(await node.stats()).toMatchObject({ replica: { isConnected: true, snapshots: 0 } });
    await eventually(() => expect(cache.get('third')).toBe(3));
  });

  it('says so when two nodes were promoted in its place', async () => {
    const cluster = await start();
    const { primary } = cluster;
    const secondDirectory = clusters.directory();
    const second = await clusters.secondary(primary, { sqlitePath: secondDirectory });
    await caughtUp(primary, second);
    const codes = codesOf(primary);
    await promoted(cluster, new DirectClient(primary.sync));
    await eventually(() => expect(codes).toContain('HC_SUPERSEDED'));
    await second.node.close();
    promote(secondDirectory);
    const lines: string[] = [];
    const note = (line: string): void => void lines.push(line);
    await clusters.primary(
      { sqlitePath: secondDirectory, logger: { log: note, warn: note, error: note } },
      { primaryClient: () => new DirectClient(primary.sync) },
    );

    await eventually(() => expect(lines.join()).toContain('Two nodes were promoted'));
  });
});

describe('promote', () => {
  it('refuses a node that runs', async () => {
    const { heirDirectory } = await start();

    expect(() => promote(heirDirectory)).toThrow(
      expect.objectContaining({ code: 'HC_FILE_IN_USE' }),
    );
  });

  it('refuses what is no replica', async () => {
    const sqlitePath = clusters.directory();
    const primary = await clusters.primary({ sqlitePath });
    await primary.cache('default').set('a', 1);
    await primary.close();

    expect(() => promote(sqlitePath)).toThrow(
      expect.objectContaining({ code: 'HC_ROLE_MISMATCH' }),
    );
    expect(() => promote(clusters.directory())).toThrow(
      expect.objectContaining({ code: 'HC_STORAGE_OPEN' }),
    );
  });

  it('tells how many asynchronous writes stay behind', async () => {
    const { heir, heirDirectory } = await start();
    await heir.node.close();
    const outbox = new Database(join(heirDirectory, 'hypercache.outbox.sqlite'));
    outbox.exec(
      'CREATE TABLE IF NOT EXISTS outbox (sequence INTEGER PRIMARY KEY, source, command)',
    );
    outbox.exec("INSERT INTO outbox (sequence, source, command) VALUES (7, 's', x'00')");
    outbox.close();

    expect(promote(heirDirectory)).toMatchObject({ waiting: 1, isComplete: true });
  });

  it('is named by a primary that finds a replica', async () => {
    const { heir, heirDirectory } = await start();
    await heir.node.close();

    await expect(clusters.primary({ sqlitePath: heirDirectory })).rejects.toMatchObject({
      code: 'HC_ROLE_MISMATCH',
      message: expect.stringContaining('npx --no hypercache promote'),
    });
  });
});

describe('one file that is promoted twice', () => {
  it('is two histories, and the later one has the larger tokens', async () => {
    const { primary, heir, heirDirectory } = await start();
    const lock = primary.locks.lock('lock', { ttl: 60_000 });
    await lock.acquire();
    await heir.node.close();
    const copy = clusters.directory();
    cpSync(heirDirectory, copy, { recursive: true });
    const successors: HyperCacheNode[] = [];
    const tokens = [Number(lock.token)];
    for (const sqlitePath of [heirDirectory, copy]) {
      promote(sqlitePath);
      const node = await clusters.primary({ sqlitePath });
      successors.push(node);
      tokens.push(await node.locks.lock('lock', { ttl: 1000 }).run(({ token }) => token));
    }
    const [one, other] = await Promise.all(successors.map((node) => node.stats()));

    expect(one?.historyId).not.toBe(other?.historyId);
    expect(tokens).toEqual(tokens.toSorted((a, b) => a - b));
    expect(new Set(tokens).size).toBe(3);
  });
});
