import { describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { PrimaryUnreachableError } from '../../../lib/common/errors.js';
import type { HyperCacheNode } from '../../../lib/node/hyper-cache-node.js';
import type { HyperCacheOptions } from '../../../lib/node/options.js';
import type { SyncEndpoint } from '../../../lib/cluster/wire/sync-endpoint.js';
import { backgroundRound } from '../../support/background-round.js';
import { useDirectClusters, type DirectSecondary } from '../../support/clusters.js';
import { deferred } from '../../support/deferred.js';
import { eventually } from '../../support/eventually.js';
import { ManualClock } from '../../support/manual-clock.js';

const clusters = useDirectClusters();
const FILE = 'hypercache.sqlite';
const SIDE_FILE = 'hypercache.snapshot.sqlite';

const revisionOf = async (node: HyperCacheNode): Promise<number> => (await node.stats()).revision;

/** Resolves when a secondary has everything that the primary has committed. */
async function caughtUp(primary: HyperCacheNode, secondary: HyperCacheNode): Promise<void> {
  const head = await revisionOf(primary);
  await eventually(async () =>
    expect(await secondary.stats()).toMatchObject({
      revision: head,
      replica: { isConnected: true, isReady: true },
    }),
  );
}

const snapshotsOf = async ({ node }: DirectSecondary): Promise<number | undefined> =>
  (await node.stats()).replica?.snapshots;

async function setMany(node: HyperCacheNode, from: number, to: number): Promise<void> {
  const cache = node.cache('default');
  const keys = Array.from({ length: to - from }, (_, i) => `key-${from + i}`);
  await Promise.all(keys.map((key) => cache.set(key, key)));
}

function disconnect({ client }: DirectSecondary): void {
  client.endpoint = undefined;
  client.cut();
}

function connect({ client }: DirectSecondary, primary: HyperCacheNode): void {
  client.endpoint = primary.sync;
}

/** Primary whose log holds little. */
const FORGETFUL: HyperCacheOptions = { changeLogEntries: 20, sweepInterval: 1 };

/** Resolves when the log of a primary's file begins behind a revision. */
function trimmed(directory: string, revision: number): Promise<void> {
  return eventually(() => {
    const file = new Database(join(directory, FILE), { readonly: true });
    try {
      const oldest = file.prepare('SELECT min(revision) FROM changes').pluck().get();
      expect(Number(oldest)).toBeGreaterThan(revision);
    } finally {
      file.close();
    }
  });
}

/** What a process that was killed leaves. */
function copyFile(from: string, to: string): void {
  for (const suffix of ['', '-wal']) {
    if (existsSync(join(from, FILE + suffix))) {
      copyFileSync(join(from, FILE + suffix), join(to, FILE + suffix));
    }
  }
}

describe('a secondary that starts late', () => {
  it('takes one snapshot, and then follows', async () => {
    const primary = await clusters.primary();
    await setMany(primary, 0, 3000);
    const secondary = await clusters.secondary(primary);
    await caughtUp(primary, secondary.node);
    await setMany(primary, 2000, 4000);
    await caughtUp(primary, secondary.node);

    expect(await snapshotsOf(secondary)).toBe(1);
    expect(await secondary.cache.mget(['key-0', 'key-2999', 'key-3999'])).toEqual([
      'key-0',
      'key-2999',
      'key-3999',
    ]);
    expect(secondary.client.feeds).toHaveLength(1);
  });

  it('gets what is written, deleted and cleared while its snapshot is under way', async () => {
    const primary = await clusters.primary();
    await setMany(primary, 0, 2000);
    const cache = primary.cache('default');
    const second = primary.cache('second');
    await second.set('cleared', 1);
    const starting = clusters.secondary(undefined, { timeout: 10_000 });
    const secondary = await starting;
    secondary.client.hold(3);
    connect(secondary, primary);
    await eventually(() =>
      expect(primary.stats()).toMatchObject({ replicas: [{ snapshot: true }] }),
    );
    await cache.set('key-1999', 'newer', { tags: ['tag'] });
    await cache.set('a', 'before all pages');
    await cache.delete('key-5');
    await cache.delete('key-1998');
    await cache.deletePrefix('key-7');
    await second.clear();
    await second.set('after', 2);
    secondary.client.release();
    await caughtUp(primary, secondary.node);

    const found: string[] = [];
    for await (const key of secondary.cache.keys('')) found.push(key);
    const wanted: string[] = [];
    for await (const key of cache.keys('')) wanted.push(key);
    expect(found).toEqual(wanted);
    expect(await secondary.cache.get('key-1999')).toBe('newer');
    expect(await secondary.node.cache('second').get('cleared')).toBeUndefined();
    expect(await secondary.node.cache('second').get('after')).toBe(2);
    expect(await secondary.cache.deleteTag('tag')).toBe(1);
    expect(await snapshotsOf(secondary)).toBe(1);
  });
});

describe('a secondary that was away', () => {
  it('within what the log keeps resumes without a snapshot', async () => {
    const primary = await clusters.primary();
    const secondary = await clusters.secondary(primary);
    disconnect(secondary);
    await setMany(primary, 0, 5000);
    connect(secondary, primary);
    await caughtUp(primary, secondary.node);

    expect(await snapshotsOf(secondary)).toBe(1);
    expect(await secondary.cache.get('key-4999')).toBe('key-4999');
  });

  it('resumes after a restart on its own directory', async () => {
    const primary = await clusters.primary();
    await setMany(primary, 0, 10);
    const sqlitePath = clusters.directory();
    const before = await clusters.secondary(primary, { sqlitePath });
    await before.node.close();
    await setMany(primary, 10, 20);
    const after = await clusters.secondary(primary, { sqlitePath });
    await caughtUp(primary, after.node);

    expect(await snapshotsOf(after)).toBe(0);
    expect(await after.cache.get('key-0')).toBe('key-0');
    expect(await after.cache.get('key-19')).toBe('key-19');
  });

  it('serves what it holds when it starts without its primary', async () => {
    const primary = await clusters.primary();
    await setMany(primary, 0, 10);
    const sqlitePath = clusters.directory();
    const before = await clusters.secondary(primary, { sqlitePath });
    await before.node.close();
    const after = await clusters.secondary(undefined, { sqlitePath });

    expect(await after.cache.get('key-9')).toBe('key-9');
    await expect(after.cache.set('key', 1)).rejects.toMatchObject({
      code: 'HC_PRIMARY_UNREACHABLE',
    });
  });

  it.each([
    ['cleanly', true],
    ['by a kill', false],
  ])('resumes when its primary has stopped %s and started again', async (_how, isClean) => {
    const home = clusters.directory();
    const primary = await clusters.primary({ sqlitePath: home });
    const secondary = await clusters.secondary(primary);
    await setMany(primary, 0, 10);
    await caughtUp(primary, secondary.node);
    const { epoch } = await primary.stats();
    disconnect(secondary);
    await setMany(primary, 10, 20);
    let left = home;
    if (!isClean) {
      left = clusters.directory();
      copyFile(home, left);
    }
    await primary.close();
    const restarted = await clusters.primary({ sqlitePath: left });
    await setMany(restarted, 20, 30);
    connect(secondary, restarted);
    await caughtUp(restarted, secondary.node);

    const { epoch: next } = await restarted.stats();
    expect(next).toBeGreaterThan(epoch);
    expect((await secondary.node.stats()).epoch).toBe(next);
    expect(await snapshotsOf(secondary)).toBe(1);
    expect(await secondary.cache.mget(['key-5', 'key-15', 'key-25'])).toEqual([
      'key-5',
      'key-15',
      'key-25',
    ]);
  });

  it('takes a snapshot when its primary has lost what it had already seen', async () => {
    const home = clusters.directory();
    const primary = await clusters.primary({ sqlitePath: home });
    const secondary = await clusters.secondary(primary);
    await setMany(primary, 0, 10);
    const left = clusters.directory();
    copyFile(home, left);
    await primary.cache('default').set('key-0', 'lost');
    await caughtUp(primary, secondary.node);
    expect(await secondary.cache.get('key-0')).toBe('lost');
    disconnect(secondary);
    const restarted = await clusters.primary({ sqlitePath: left });
    await setMany(restarted, 20, 40);
    connect(secondary, restarted);
    await caughtUp(restarted, secondary.node);

    expect(await snapshotsOf(secondary)).toBe(2);
    expect(await secondary.cache.get('key-0')).toBe('key-0');
  });

  it('longer than the log keeps takes exactly one snapshot', async () => {
    const home = clusters.directory();
    const primary = await clusters.primary({ ...FORGETFUL, sqlitePath: home });
    const secondary = await clusters.secondary(primary);
    await setMany(primary, 0, 10);
    await caughtUp(primary, secondary.node);
    disconnect(secondary);
    await setMany(primary, 10, 500);
    await primary.cache('default').delete('key-0');
    await trimmed(home, 100);
    connect(secondary, primary);
    await caughtUp(primary, secondary.node);
    await setMany(primary, 500, 510);
    await caughtUp(primary, secondary.node);

    expect(await snapshotsOf(secondary)).toBe(2);
    expect(await secondary.cache.mget(['key-0', 'key-1', 'key-499', 'key-509'])).toEqual([
      undefined,
      'key-1',
      'key-499',
      'key-509',
    ]);
  });
});

describe('a snapshot', () => {
  /** A secondary that holds ten keys, and is about to take a snapshot of 2,000 others, of which one page came. */
  async function interrupted() {
    const home = clusters.directory();
    const primary = await clusters.primary({ ...FORGETFUL, sqlitePath: home });
    const secondary = await clusters.secondary(primary);
    await setMany(primary, 0, 10);
    await caughtUp(primary, secondary.node);
    disconnect(secondary);
    await setMany(primary, 10, 2000);
    await primary.cache('default').set('key-0', 'new');
    await trimmed(home, 1000);
    const { client } = secondary;
    client.hold(3);
    connect(secondary, primary);
    await eventually(() =>
      expect(primary.stats()).toMatchObject({ replicas: [{ snapshot: true }] }),
    );
    await backgroundRound();
    return { primary, secondary };
  }

  it('leaves the old data in place until it is complete', async () => {
    const { primary, secondary } = await interrupted();

    expect(await secondary.cache.get('key-0')).toBe('key-0');
    expect(await secondary.cache.get('key-1999')).toBeUndefined();
    expect(await secondary.node.stats()).toMatchObject({
      replica: { isReady: true, isConnected: false },
    });
    secondary.client.release();
    await caughtUp(primary, secondary.node);
    expect(await secondary.cache.get('key-0')).toBe('new');
    expect(await secondary.cache.get('key-1999')).toBe('key-1999');
    expect(await snapshotsOf(secondary)).toBe(2);
  });

  it('that is cut in the middle leaves the old data, and starts over', async () => {
    const { primary, secondary } = await interrupted();
    disconnect(secondary);
    await eventually(() =>
      expect(secondary.node.stats()).toMatchObject({ replica: { isReady: true, snapshots: 1 } }),
    );

    expect(await secondary.cache.get('key-0')).toBe('key-0');
    expect(await secondary.cache.get('key-1999')).toBeUndefined();
    secondary.client.release();
    connect(secondary, primary);
    await caughtUp(primary, secondary.node);
    expect(await secondary.cache.get('key-0')).toBe('new');
    expect(await snapshotsOf(secondary)).toBe(2);
  });

  it('has no write confirmed before it is there', async () => {
    const { primary, secondary } = await interrupted();
    const written = secondary.cache.set('key-0', 'mine').then(() => secondary.cache.get('key-0'));
    await eventually(async () => expect(await primary.cache('default').get('key-0')).toBe('mine'));
    secondary.client.release();

    expect(await written).toBe('mine');
    await caughtUp(primary, secondary.node);
    expect(await secondary.cache.get('key-0')).toBe('mine');
  });
});

describe('a primary with another history', () => {
  it('that holds something is followed, by a snapshot', async () => {
    const first = await clusters.primary();
    await setMany(first, 0, 10);
    const secondary = await clusters.secondary(first);
    const lost: string[] = [];
    const lock = secondary.node.locks.lock('lock', { ttl: 60_000 });
    await lock.acquire();
    lock.signal.addEventListener('abort', () => lost.push(String(lock.signal.reason?.code)));
    const second = await clusters.primary();
    await setMany(second, 10, 12);
    disconnect(secondary);
    connect(secondary, second);
    await caughtUp(second, secondary.node);

    expect(await snapshotsOf(secondary)).toBe(2);
    expect(await secondary.cache.mget(['key-0', 'key-11'])).toEqual([undefined, 'key-11']);
    expect(lost).toEqual(['HC_LOCK_LOST']);
  });

  it('that is empty does not wipe a replica', async () => {
    const first = await clusters.primary();
    await setMany(first, 0, 10);
    const secondary = await clusters.secondary(first);
    const second = await clusters.primary();
    disconnect(secondary);
    connect(secondary, second);
    await eventually(() => expect(secondary.client.feeds.length).toBeGreaterThan(3));
    // Not even when the first write has reached it.
    await setMany(second, 20, 21);
    const tried = secondary.client.feeds.length;
    await eventually(() => expect(secondary.client.feeds.length).toBeGreaterThan(tried + 1));

    expect(await secondary.cache.get('key-9')).toBe('key-9');
    expect(await secondary.node.stats()).toMatchObject({
      replica: { isReady: true, isConnected: false, snapshots: 1 },
    });
    connect(secondary, first);
    await setMany(first, 10, 11);
    await caughtUp(first, secondary.node);
    expect(await secondary.cache.get('key-10')).toBe('key-10');
  });
});

describe('a snapshot that is under way', () => {
  it('takes changes in their order only, not those that an answer brings ahead of them', async () => {
    const primary = await clusters.primary();
    await setMany(primary, 0, 10);
    const sqlitePath = clusters.directory();
    const { cache, client, node } = await clusters.secondary(primary, {
      sqlitePath,
      sweepInterval: 1,
      l1: false,
    });
    await caughtUp(primary, node);
    const own = primary.cache('default');
    const sync = primary.sync as SyncEndpoint;
    const asked = deferred<void>();
    const passed = deferred<void>();
    let mayFollow = true;
    client.endpoint = {
      wait: (request, sink) => sync.wait(request, sink),
      feed(request, sink) {
        if (!mayFollow) throw new PrimaryUnreachableError('direct', 'not yet');
        sync.feed(request, sink);
      },
      async exchange(request) {
        asked.resolve();
        await passed.promise;
        const answer = await sync.exchange(request);
        answered.resolve();
        return answer;
      },
    };
    const answered = deferred<void>();
    run(join(sqlitePath, FILE), "UPDATE entries SET value = 'other' WHERE key = 'key-5'");
    mayFollow = false;
    await eventually(() =>
      expect(node.stats()).toMatchObject({ replica: { isConnected: false, lost: 1 } }),
    );
    // The request asks for changes, because none come; it is on its way until a snapshot has begun.
    const written = Promise.all([cache.clear(), cache.set('kept', 'mine')]);
    await asked.promise;
    // The greeting, and the beginning.
    client.hold(2);
    mayFollow = true;
    await eventually(() => expect(existsSync(join(sqlitePath, SIDE_FILE))).toBe(true));
    await own.set('before the clear', 1);
    passed.resolve();
    await answered.promise;
    await new Promise((resolve) => setImmediate(resolve));
    client.release();
    await written;
    await caughtUp(primary, node);
    await eventually(() => expect(clearedIn(sqlitePath)).toBe(0));

    expect(await cache.mget(['kept', 'key-1', 'before the clear'])).toEqual([
      'mine',
      undefined,
      undefined,
    ]);
  });
});

/** Namespaces of a file whose rows wait to be swept. */
function clearedIn(directory: string): unknown {
  const file = new Database(join(directory, FILE), { readonly: true });
  try {
    return file.prepare('SELECT count(*) FROM cleared_namespaces').pluck().get();
  } finally {
    file.close();
  }
}

function run(path: string, sql: string): void {
  const file = new Database(path);
  file.exec(sql);
  file.close();
}

describe('a replica', () => {
  it.each([
    ['a changed value', "UPDATE entries SET value = 'other' WHERE key = 'key-5'"],
    ['a missing row', "DELETE FROM entries WHERE key = 'key-5'"],
    [
      'a row too many',
      "INSERT INTO entries SELECT 1000, namespace_id, 'extra', 1, expires_at, 0, 'x', NULL FROM entries WHERE key = 'key-5'",
    ],
  ])('with %s is noticed by a heartbeat, and copied again', async (_what, sql) => {
    const primary = await clusters.primary();
    await setMany(primary, 0, 10);
    const sqlitePath = clusters.directory();
    const before = await clusters.secondary(primary, { sqlitePath });
    await before.node.close();
    const file = new Database(join(sqlitePath, FILE));
    // What SQLite itself would not notice.
    file.exec('DROP TRIGGER entries_inserted; DROP TRIGGER entries_updated');
    file.exec(sql);
    file.exec(`
      CREATE TRIGGER entries_inserted AFTER INSERT ON entries BEGIN
        INSERT INTO changes VALUES (new.revision, new.namespace_id, 0, new.key); END;
      CREATE TRIGGER entries_updated AFTER UPDATE OF revision ON entries BEGIN
        INSERT INTO changes VALUES (new.revision, new.namespace_id, 0, new.key); END;
    `);
    file.close();
    const secondary = await clusters.secondary(primary, { sqlitePath });
    await eventually(async () => expect(await snapshotsOf(secondary)).toBe(1));
    await caughtUp(primary, secondary.node);

    expect(await secondary.cache.mget(['key-5', 'extra'])).toEqual(['key-5', undefined]);
  });

  it('judges expiry by the clock of its primary', async () => {
    const primaryClock = new ManualClock(Date.UTC(2026, 0, 1));
    const clock = new ManualClock(Date.UTC(2031, 0, 1));
    const primary = await clusters.primary({}, { clock: primaryClock });
    await primary.cache('default').set('key', 'value', { ttl: 1000 });
    const { cache, node } = await clusters.secondary(primary, {}, { clock });
    expect(await cache.get('key')).toBe('value');
    await cache.set('own', 'value', { ttl: 1000 });
    expect(await primary.cache('default').expiresAt('own')).toBe(primaryClock.now() + 1000);

    for (const each of [primaryClock, clock]) each.advance(999);
    expect(await cache.mget(['key', 'own'])).toEqual(['value', 'value']);
    for (const each of [primaryClock, clock]) each.advance(1);
    expect(await cache.mget(['key', 'own'])).toEqual([undefined, undefined]);
    expect(await primary.cache('default').get('key')).toBeUndefined();
    await cache.set('key', 'again');
    await caughtUp(primary, node);
    expect(await cache.get('key')).toBe('again');
  });

  it('follows tags, prefixes and clears, whoever asks for them', async () => {
    const primary = await clusters.primary();
    const first = await clusters.secondary(primary);
    const second = await clusters.secondary(primary);
    for (let i = 0; i < 3; i++) {
      await first.cache.set(`tagged-${i}`, i, { tags: ['t', `t${i}`] });
      await second.cache.set(`other-${i}`, i);
    }
    expect(await second.cache.deleteTag('t1')).toBe(1);
    await first.cache.set('tagged-2', 'without');
    expect(await primary.cache('default').deleteTag('t')).toBe(1);
    await caughtUp(primary, first.node);
    await caughtUp(primary, second.node);
    for (const { cache } of [first, second]) {
      expect(await cache.mget(['tagged-0', 'tagged-1', 'tagged-2'])).toEqual([
        undefined,
        undefined,
        'without',
      ]);
    }
    expect(await first.cache.deletePrefix('other-')).toBe(3);
    await caughtUp(primary, second.node);
    expect(await second.cache.get('other-1')).toBeUndefined();
    await second.node.cache('other').set('kept', 1);
    await first.cache.clear();
    await caughtUp(primary, second.node);
    expect(await second.cache.get('tagged-2')).toBeUndefined();
    expect(await second.node.cache('other').get('kept')).toBe(1);
  });

  it('follows two clears that come in one batch, and keeps nothing in between', async () => {
    // What the primary has cleared is still in its file when the changes are read.
    const primary = await clusters.primary({ sweepInterval: 3_600_000 });
    const secondary = await clusters.secondary(primary, { sweepInterval: 1 });
    const cache = primary.cache('default');
    await cache.set('before', 0);
    await caughtUp(primary, secondary.node);
    disconnect(secondary);
    await cache.set('first', 1);
    await cache.clear();
    await cache.set('second', 2);
    await cache.clear();
    await cache.set('third', 3);
    connect(secondary, primary);
    await caughtUp(primary, secondary.node);

    expect(await secondary.cache.mget(['first', 'second', 'third'])).toEqual([
      undefined,
      undefined,
      3,
    ]);
    await eventually(() => expect(secondary.node.stats()).toMatchObject({ l2: { entries: 1 } }));
  });

  it('follows a primary whose writes are relaxed', async () => {
    const primary = await clusters.primary({ durability: 'relaxed' });
    const { cache, node } = await clusters.secondary(primary);
    for (let i = 0; i < 100; i++) void primary.cache('default').set('key', i);
    await cache.set('own', 'written');
    expect(await cache.get('own')).toBe('written');
    await primary.flush();
    await caughtUp(primary, node);

    expect(await cache.get('key')).toBe(99);
    expect(await primary.cache('default').get('own')).toBe('written');
  });

  it('notices a primary that has fallen silent for three seconds', async () => {
    const clock = new ManualClock();
    const primary = await clusters.primary();
    const secondary = await clusters.secondary(primary, {}, { clock });
    const lost: string[] = [];
    secondary.node.on('replica:lost', ({ error }) => lost.push(error.code));
    secondary.client.hold();
    clock.advance(3001);
    await eventually(() => expect(lost).toEqual(['HC_PRIMARY_UNREACHABLE']));
    secondary.client.release();
    await caughtUp(primary, secondary.node);

    expect(await snapshotsOf(secondary)).toBe(1);
  });
});

describe('a directory', () => {
  it('of a primary is refused by a secondary', async () => {
    const sqlitePath = clusters.directory();
    const first = await clusters.primary({ sqlitePath });
    await setMany(first, 0, 1);
    await first.close();
    const primary = await clusters.primary();

    await expect(clusters.secondary(primary, { sqlitePath })).rejects.toMatchObject({
      code: 'HC_ROLE_MISMATCH',
    });
    const again = await clusters.primary({ sqlitePath });
    expect(await again.cache('default').get('key-0')).toBe('key-0');
  });

  it('of a secondary is refused by a primary', async () => {
    const primary = await clusters.primary();
    await setMany(primary, 0, 1);
    const sqlitePath = clusters.directory();
    const { node } = await clusters.secondary(primary, { sqlitePath });
    await node.close();

    await expect(clusters.primary({ sqlitePath })).rejects.toMatchObject({
      code: 'HC_ROLE_MISMATCH',
    });
    const again = await clusters.secondary(primary, { sqlitePath });
    expect(await snapshotsOf(again)).toBe(0);
  });
});
