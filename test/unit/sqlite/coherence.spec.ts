import { afterEach, describe, expect, it } from '@jest/globals';
import { dirname, join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Coherence } from '../../../lib/sqlite/coherence.js';
import { systemRandom } from '../../../lib/common/random.js';
import type { HyperCacheStats } from '../../../lib/node/hyper-cache-node.js';
import { Storage } from '../../../lib/sqlite/storage.js';
import { useDirectClusters } from '../../support/clusters.js';
import { eventually } from '../../support/eventually.js';
import { ManualClock } from '../../support/manual-clock.js';
import { useNodeProcesses } from '../../support/node-process.js';
import { runSql } from '../../support/sabotage.js';
import { FILE_NAME, useStorages } from '../../support/storages.js';
import { useTemporaryDirectories } from '../../support/temporary-directory.js';

/** Longer than any test here: its timer looks at nothing. */
const INTERVAL_MS = 60_000;

/** Between two questions how long a turn already lasts. */
const READS = 32;

describe('Coherence', () => {
  const closers: (() => void)[] = [];
  afterEach(() => {
    for (const close of closers.splice(0)) close();
  });
  const openStorage = useStorages();
  const startProgram = useNodeProcesses();
  const clusters = useDirectClusters();
  const directory = useTemporaryDirectories();

  /** A file, and somebody who follows what another connection commits to it. */
  function setUp(intervalMs = INTERVAL_MS) {
    const writer = openStorage();
    const clock = new ManualClock();
    const told: (string | undefined)[] = [];
    const errors: unknown[] = [];
    const memory = {
      changed: (_namespace: string, key: string) => void told.push(key),
      cleared: () => void told.push(''),
      lost: () => void told.push(undefined),
    };
    const storage = new Storage({
      path: writer.storage.path,
      fullSync: false,
      clock,
      random: systemRandom,
      isReadOnly: true,
      memory,
    });
    storage.open();
    let commits = 0;
    const coherence = new Coherence({
      storage,
      clock,
      intervalMs,
      onCommit: () => commits++,
      onError: (error) => errors.push(error),
    });
    closers.push(() => {
      coherence.stop();
      storage.close();
    });
    coherence.start();
    const set = (key: string): void =>
      void writer.run({
        kind: 'set',
        namespace: 'n',
        key,
        value: 1,
        expiresAt: Infinity,
        tags: [],
      });
    return { coherence, storage, writer, clock, told, errors, set, commitsSeen: () => commits };
  }

  const readOften = (coherence: Coherence, times: number): void => {
    for (let i = 0; i < times; i++) coherence.isTrusted();
  };

  it('looks before the first read of a turn, and not before the others', async () => {
    const { coherence, set, told } = setUp();
    set('a');
    coherence.isTrusted();
    expect(told).toEqual(['a']);

    set('b');
    readOften(coherence, 10 * READS);
    expect(told).toEqual(['a']);

    await nextTurn();
    coherence.isTrusted();
    expect(told).toEqual(['a', 'b']);
  });

  it('looks again in a turn that has lasted for half of the interval', () => {
    const { coherence, set, told, clock } = setUp();
    coherence.isTrusted();
    set('a');
    clock.advance(INTERVAL_MS / 2 - 1);
    readOften(coherence, READS + 1);
    expect(told).toEqual([]);

    clock.advance(1);
    readOften(coherence, READS + 1);
    expect(told).toEqual(['a']);
    set('b');
    readOften(coherence, READS + 1);
    expect(told).toEqual(['a']);
  });

  it('asks the clock for few of the quick reads of a turn, and for more of the slow ones', () => {
    const { coherence, clock } = setUp();
    let questions = 0;
    const monotonic = clock.monotonic.bind(clock);
    clock.monotonic = () => {
      questions++;
      return monotonic();
    };
    readOften(coherence, 100 * READS);
    expect(questions).toBeLessThan(60);

    questions = 0;
    for (let i = 0; i < 100 * READS; i++) {
      clock.advance(INTERVAL_MS / 100);
      coherence.isTrusted();
    }
    expect(questions).toBeGreaterThan(90);
  });

  it('looks with the next read when the file may have shown what memory does not know', () => {
    const { coherence, set, told } = setUp();
    coherence.isTrusted();
    set('a');
    coherence.isTrusted();
    expect(told).toEqual([]);

    coherence.expire();
    coherence.isTrusted();
    expect(told).toEqual(['a']);
  });

  it('looks each interval although nobody reads', async () => {
    const { set, told } = setUp(1);
    set('a');
    await eventually(() => expect(told).toEqual(['a']));
    set('b');
    await eventually(() => expect(told).toEqual(['a', 'b']));
  });

  it('keeps no process alive', () => {
    const timers = (): number =>
      process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timers();
    setUp(1);

    expect(timers()).toBe(before);
  });

  it('tells of each commit of others once, whatever it was about', () => {
    const { coherence, writer, told, commitsSeen } = setUp();
    const before = commitsSeen();
    writer.storage.transaction(() => writer.storage.writeMeta('note', 'not in the log'));
    coherence.look();
    coherence.look();

    expect(commitsSeen() - before).toBe(1);
    expect(told).toEqual([]);
  });

  it('says that nobody knows what has changed, once the log no longer reaches back', async () => {
    const { coherence, writer, set, told } = setUp();
    set('a');
    coherence.isTrusted();
    set('b');
    set('c');
    writer.storage.transaction(() => writer.storage.changes.trim(2, 10));
    await nextTurn();
    coherence.isTrusted();
    expect(told).toEqual(['a', undefined]);

    set('d');
    await nextTurn();
    coherence.isTrusted();
    expect(told).toEqual(['a', undefined, 'd']);
  });

  it('empties memory then', async () => {
    const sqlitePath = directory();
    const primary = await clusters.primary({ sqlitePath });
    const options = { sqlitePath, replica: 'shared', coherenceInterval: 1000 } as const;
    const { cache, node } = await clusters.secondary(primary, options);
    await primary.cache('default').set('a', 'old');
    await primary.cache('default').set('b', 'same');
    expect(await cache.mget(['a', 'b'])).toEqual(['old', 'same']);
    expect((await node.stats()).l1.entries).toBe(2);
    await primary.cache('default').set('a', 'new');
    await primary.cache('default').set('c', 1);
    runSql(
      join(sqlitePath, FILE_NAME),
      'DELETE FROM changes WHERE revision < (SELECT max(revision) FROM changes)',
    );

    expect(await cache.get('a')).toBe('new');
    expect((await node.stats()).l1.entries).toBe(1);
  });

  it('tells later what it could not read at once', async () => {
    const { coherence, storage, set, told, errors } = setUp();
    const { changes } = storage;
    const failure = new Error('the disk cannot be read for a moment');
    const since = changes.since.bind(changes);
    changes.since = () => {
      throw failure;
    };
    set('a');
    coherence.isTrusted();
    expect([told, errors]).toEqual([[], [failure]]);

    changes.since = since;
    await nextTurn();
    coherence.isTrusted();
    expect([told, errors]).toEqual([['a'], [failure]]);
  });

  it('knows when another process comes, and when it has gone', async () => {
    const { storage, run } = openStorage();
    const coherence = new Coherence({
      storage,
      clock: new ManualClock(),
      intervalMs: 1,
      onError: (error) => {
        throw error;
      },
    });
    closers.push(() => coherence.stop());
    const set = () =>
      run({ kind: 'set', namespace: 'n', key: 'k', value: 1, expiresAt: Infinity, tags: [] });
    // One statement without a look at who else writes: only for one who is alone.
    const setAlone = () =>
      storage.setAlone({ namespaceId: 1, key: 'k', value: 'value', expiresAt: Infinity });
    coherence.start();
    expect(coherence.isShared).toBe(false);
    expect(setAlone()).toBeDefined();

    const options = { sqlitePath: dirname(storage.path) };
    const other = await startProgram('remote', { options });
    await eventually(() => expect(coherence.isShared).toBe(true));
    await other.ask('cache', 'set', 'k', 2);
    const { revision } = (await other.ask<HyperCacheStats>('node', 'stats')).value;
    await eventually(() => expect(storage.revision).toBe(revision));
    expect(set()).toMatchObject({ revision: revision + 1 });
    expect(setAlone()).toBeUndefined();

    await other.finish();
    coherence.adjust();
    expect(coherence.isShared).toBe(false);
    expect(setAlone()).toBe(revision + 2);
  });
});
