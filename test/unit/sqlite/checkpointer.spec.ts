import { AsyncLocalStorage } from 'node:async_hooks';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../../lib/common/clock.js';
import { systemRandom } from '../../../lib/common/random.js';
import { Storage, type StorageOptions } from '../../../lib/sqlite/storage.js';
import { eventually } from '../../support/eventually.js';
import { useDatabases } from '../../support/storages.js';
import { useTemporaryDirectories } from '../../support/temporary-directory.js';

const MIB = 2 ** 20;
/** The thread wants the writers to wait from 9 MiB on; on a busy machine it comes late. The tests write 60 MiB. */
const BOUND_BYTES = 24 * MIB;

describe('Checkpointer', () => {
  const directory = useTemporaryDirectories();
  const database = useDatabases();
  const opened: Storage[] = [];
  afterEach(() => {
    for (const storage of opened.splice(0)) storage.close();
  });

  function open(
    checkpointer: Partial<NonNullable<StorageOptions['checkpointer']>> = {},
    path = join(directory(), 'a.sqlite'),
  ): Storage {
    const storage = new Storage({
      path,
      fullSync: false,
      clock: systemClock,
      random: systemRandom,
      checkpointer: { onInline: () => undefined, ...checkpointer },
    });
    opened.push(storage);
    storage.open();
    storage.transaction(() => storage.namespaces.ensure('n'));
    return storage;
  }

  /** One commit of about 10 pages. */
  function write(storage: Storage, i: number): void {
    writeRow(storage, `k${i % 500}`, i);
  }

  function writeRow(storage: Storage, key: string, i = 0): void {
    const value = Buffer.alloc(9000, i % 256);
    storage.transaction(() => {
      storage.entries.put({
        namespaceId: storage.namespaces.idOf('n') ?? 0,
        key,
        value,
        expiresAt: Infinity,
        revision: storage.nextRevision(),
        tagSet: 0,
      });
    });
  }

  const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  /** As the write queue does: a turn of the loop for each commit, and it waits while it is asked to. */
  async function writeMany(storage: Storage, commits: number): Promise<number> {
    let longest = 0;
    for (let i = 0; i < commits; i++) {
      while (storage.mustPause()) await nextTurn();
      write(storage, i);
      longest = Math.max(longest, storage.walBytes());
      await nextTurn();
    }
    return longest;
  }

  async function working(storage: Storage): Promise<void> {
    for (let i = 0; i < 300; i++) write(storage, i);
    await eventually(() => expect(storage.checkpoints).toBe('worker'));
  }

  it('begins when there is something to do', async () => {
    const storage = open();

    expect(storage.checkpoints).toBe('inline');
    await working(storage);
  });

  it('carries what was committed into the file, and keeps the log within its bound', async () => {
    const storage = open();
    await working(storage);

    const longest = await writeMany(storage, 6000);

    expect(longest).toBeLessThan(BOUND_BYTES);
    const other = database(storage.path);
    await eventually(() => {
      const [state] = other.pragma('wal_checkpoint(NOOP)') as {
        log: number;
        checkpointed: number;
      }[];
      expect((state?.log ?? 0) - (state?.checkpointed ?? 0)).toBeLessThan(64);
    });
  });

  it('keeps it within its bound when nobody pauses', async () => {
    const storage = open();
    await working(storage);
    let longest = 0;

    for (let i = 0; i < 6000; i++) {
      write(storage, i);
      longest = Math.max(longest, storage.walBytes());
    }

    expect(longest).toBeLessThan(2 * BOUND_BYTES);
  });

  it('brings the log back into its bound once a reader that held it has gone', async () => {
    const storage = open();
    await working(storage);
    const reader = database(storage.path);
    reader.exec('BEGIN');
    reader.prepare('SELECT count(*) FROM entries').get();
    await writeMany(storage, 3500);
    expect(storage.walBytes()).toBeGreaterThan(BOUND_BYTES);

    reader.exec('COMMIT');

    let commits = 0;
    await eventually(async () => {
      await writeMany(storage, ++commits);
      expect(storage.walBytes()).toBeLessThan(BOUND_BYTES);
    });
  });

  it('lets no commit do what has gathered while a reader held the log', async () => {
    const storage = open();
    await working(storage);
    const reader = database(storage.path);
    reader.exec('BEGIN');
    reader.prepare('SELECT count(*) FROM entries').get();
    // Rows of their own: each page of the log is one of the file.
    for (let i = 0; i < 12_000; i++) writeRow(storage, `new-${i}`);
    expect(storage.walBytes()).toBeGreaterThan(4 * BOUND_BYTES);
    const before = statSync(storage.path).size;

    reader.exec('COMMIT');
    write(storage, 1);

    expect(statSync(storage.path).size - before).toBeLessThan(BOUND_BYTES);
  });

  it('leaves it to the commits where a thread cannot be had, and says so', async () => {
    const told: unknown[] = [];
    const storage = open({
      onInline: (cause) => told.push(cause),
      startThread: () => {
        throw new Error('no threads here');
      },
    });

    expect(await writeMany(storage, 3000)).toBeLessThan(8 * MIB);
    expect(told).toEqual([new Error('no threads here')]);
    expect(storage.checkpoints).toBe('inline');
  });

  it('leaves it to the commits when the thread ends, and says so', async () => {
    const told: unknown[] = [];
    const threads: Worker[] = [];
    const storage = open({
      onInline: (cause) => told.push(cause),
      startThread: (program, workerData) => {
        const code = `const { workerData } = require('node:worker_threads'); ${program}`;
        const thread = new Worker(code, { eval: true, workerData });
        threads.push(thread);
        return thread;
      },
    });
    await working(storage);

    await threads[0]?.terminate();

    await eventually(() => expect(told).toEqual([1]));
    expect(storage.checkpoints).toBe('inline');
    // The log may be as large as the thread had let it become.
    expect(await writeMany(storage, 4000)).toBeLessThan(BOUND_BYTES);
  });

  it('leaves it to the commits when the thread cannot open the file', async () => {
    const told: unknown[] = [];
    const storage = open({
      onInline: (cause) => told.push(cause),
      startThread: (program, workerData) => {
        const code = `const { workerData } = require('node:worker_threads'); ${program}`;
        return new Worker(code, {
          eval: true,
          workerData: { ...workerData, path: join(directory(), 'missing.sqlite') },
        });
      },
    });
    for (let i = 0; i < 300; i++) write(storage, i);

    await eventually(() => expect(told).toMatchObject([{ code: 'SQLITE_CANTOPEN' }]));
    expect(await writeMany(storage, 2000)).toBeLessThan(8 * MIB);
  });

  it('ends before the file is closed, which takes the log away', async () => {
    const storage = open();
    await working(storage);
    void writeMany(storage, 1000).catch(() => undefined);
    await nextTurn();

    storage.close();

    expect(existsSync(`${storage.path}-wal`)).toBe(false);
    expect(existsSync(`${storage.path}-shm`)).toBe(false);
  });

  it('ends with a file that is closed while it begins', () => {
    const storage = open();
    for (let i = 0; i < 300; i++) write(storage, i);

    storage.close();

    expect(existsSync(`${storage.path}-wal`)).toBe(false);
  });

  it('follows to the file that takes the place of a damaged one', async () => {
    const storage = open();
    await working(storage);

    const aside = storage.replace('corrupt');
    const size = statSync(aside ?? '').size;
    storage.transaction(() => storage.namespaces.ensure('n'));
    await working(storage);
    expect(await writeMany(storage, 4000)).toBeLessThan(BOUND_BYTES);

    expect(statSync(aside ?? '').size).toBe(size);
    expect(database(storage.path).pragma('integrity_check', { simple: true })).toBe('ok');
  });

  it('follows to a file that is put in its place', async () => {
    const path = directory();
    const side = open({}, join(path, 'side.sqlite'));
    write(side, 1);
    side.close();
    const storage = open({}, join(path, 'a.sqlite'));
    await working(storage);

    storage.exchangeFor(side.path);
    await working(storage);

    expect(await writeMany(storage, 4000)).toBeLessThan(BOUND_BYTES);
    expect(database(storage.path).pragma('integrity_check', { simple: true })).toBe('ok');
  });

  it('captures nothing of the request whose write starts it', async () => {
    const requests = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const storage = open({
      onInline: () => seen.push(requests.getStore()),
      startThread: () => {
        seen.push(requests.getStore());
        throw new Error('no threads here');
      },
    });

    requests.run('a request', () => {
      for (let i = 0; i < 300; i++) write(storage, i);
    });

    expect(seen).toEqual([undefined, undefined]);
  });
});
