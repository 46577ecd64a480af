import { afterEach, describe, expect, it } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HyperCacheEvents } from '../../lib/common/events.js';
import type { HyperCacheNode } from '../../lib/node/hyper-cache-node.js';
import type { HyperCacheOptions } from '../../lib/node/options.js';
import { FILE_NAME } from '../../lib/sqlite/storage.js';
import { eventually } from '../support/eventually.js';
import { hasStrace, itWhere } from '../support/machine-tools.js';
import { useNodeProcesses, type NodeProcess } from '../support/node-process.js';
import { useNodes } from '../support/nodes.js';
import { overwritePages } from '../support/sabotage.js';
import {
  canMountDisks,
  fillDisk,
  freeDisk,
  remount,
  useSmallDisks,
} from '../support/small-disk.js';
import { useTemporaryDirectories } from '../support/temporary-directory.js';

const KEYS = Array.from({ length: 200 }, (_, i) => `key${i}`);
const VALUE = 'x'.repeat(1000);

describe('A primary', () => {
  const startNode = useNodes();
  const newDirectory = useTemporaryDirectories();
  const disks = useSmallDisks();
  const itOnADisk = itWhere(canMountDisks, 'right to mount a disk: full and read-only disks');

  async function start(options: HyperCacheOptions) {
    const errors: HyperCacheEvents['error'][] = [];
    const node = await startNode({ l1: false, sweepInterval: 20, ...options });
    node.on('error', (event) => errors.push(event));
    return { node, cache: node.cache('default'), errors };
  }

  const fillCache = async (node: HyperCacheNode): Promise<void> =>
    node.cache('default').mset(KEYS.map((key) => ({ key, value: VALUE })));

  describe('on a full disk', () => {
    /** Writes until one is refused; resolves to the code, and to what was accepted before. */
    async function exhaust(node: HyperCacheNode) {
      const accepted: string[] = [];
      for (let i = 0; i < 10_000; i++) {
        try {
          await node.cache('default').set(`more${i}`, VALUE);
          accepted.push(`more${i}`);
        } catch (error) {
          return { code: (error as { code?: string }).code, accepted };
        }
      }
      return { code: undefined, accepted };
    }

    itOnADisk('fails writes by name, serves reads, and recovers by itself', async () => {
      const sqlitePath = disks.mount();
      const { node, cache, errors } = await start({ sqlitePath });
      await fillCache(node);
      fillDisk(sqlitePath);
      const { code, accepted } = await exhaust(node);

      expect(code).toBe('HC_STORAGE_FULL');
      for (let i = 0; i < 20; i++) {
        await expect(cache.increment('count', 1)).rejects.toMatchObject({
          code: 'HC_STORAGE_FULL',
        });
        await expect(cache.set('other', VALUE)).rejects.toMatchObject({ code: 'HC_STORAGE_FULL' });
      }
      expect(await cache.mget(KEYS)).toEqual(KEYS.map(() => VALUE));
      expect(await cache.mget(accepted)).toEqual(accepted.map(() => VALUE));
      expect(await cache.wrap('made', () => 'made')).toMatchObject({ value: 'made' });
      expect(await cache.get('other')).toBeUndefined();

      freeDisk(sqlitePath);
      await cache.set('other', 1);
      expect(await cache.increment('count', 1)).toBe(1);
      const codes = new Set(errors.map(({ error }) => error.code));
      expect([...codes].filter((one) => one !== 'HC_STORAGE_FULL')).toEqual([]);
      await node.close();
      const again = await start({ sqlitePath });
      expect(await again.cache.mget([...KEYS, ...accepted])).toEqual(
        [...KEYS, ...accepted].map(() => VALUE),
      );
    });

    itOnADisk('can be killed there, and starts with what it had when there is room', async () => {
      const sqlitePath = disks.mount();
      const { node } = await start({ sqlitePath });
      await fillCache(node);
      fillDisk(sqlitePath);
      const { accepted } = await exhaust(node);
      await node.close();

      const refusal = await startNode({ sqlitePath }).then(
        (started) => started.cache('default').mget(KEYS),
        (error: { code?: string }) => error.code,
      );
      // It depends on the last few bytes; nothing was thrown away.
      if (!Array.isArray(refusal)) expect(refusal).toMatch(/^HC_STORAGE_(FULL|OPEN)$/);
      freeDisk(sqlitePath);
      if (Array.isArray(refusal)) return;
      const { cache } = await start({ sqlitePath });
      expect(await cache.mget([...KEYS, ...accepted])).toEqual(
        [...KEYS, ...accepted].map(() => VALUE),
      );
    });
  });

  itOnADisk('on a read-only disk does not start, and says what to do', async () => {
    const sqlitePath = disks.mount();
    const { node } = await start({ sqlitePath });
    await fillCache(node);
    await node.close();
    remount(sqlitePath, 'ro');

    await expect(startNode({ sqlitePath })).rejects.toMatchObject({
      code: 'HC_STORAGE_OPEN',
      hint: expect.stringContaining('sqlitePath'),
    });
    remount(sqlitePath, 'rw');
    expect(await (await start({ sqlitePath })).cache.mget(KEYS)).toEqual(KEYS.map(() => VALUE));
  });

  describe('whose files were damaged while it was away', () => {
    async function leave(how: 'stopped' | 'killed'): Promise<string> {
      const sqlitePath = newDirectory();
      const { node } = await start({ sqlitePath });
      await fillCache(node);
      const directory = newDirectory();
      for (const suffix of how === 'killed' ? ['', '-wal', '-shm'] : []) {
        copyFileSync(join(sqlitePath, FILE_NAME + suffix), join(directory, FILE_NAME + suffix));
      }
      await node.close();
      if (how === 'killed') return directory;
      return sqlitePath;
    }

    it.each<[string, (file: string) => void]>([
      ['its header is garbage', (file) => overwritePages(file, 1)],
      ['its pages are garbage', (file) => overwritePages(file, 2)],
      ['its second half is missing', (file) => truncateSync(file, 60 * 1024)],
      ['it ends in the middle of a page', (file) => truncateSync(file, 60 * 1024 + 100)],
      ['it is empty', (file) => truncateSync(file, 0)],
      ['it is a text', (file) => writeFileSync(file, 'no database\n'.repeat(5000))],
    ])('never returns a wrong value, and goes on with a sound file: %s', async (_what, damage) => {
      for (const how of ['stopped', 'killed'] as const) {
        const sqlitePath = await leave(how);
        damage(join(sqlitePath, FILE_NAME));
        const { node, cache } = await start({ sqlitePath });

        for (const value of await cache.mget(KEYS)) expect([VALUE, undefined]).toContain(value);
        await eventually(() => cache.set('after', 'value'));
        expect(await cache.get('after')).toBe('value');
        await node.close();
        expect(await (await start({ sqlitePath })).cache.get('after')).toBe('value');
      }
    });

    it.each(['-wal', '-shm'])(
      'is put aside with what is left of its set, without %s',
      async (gone) => {
        const sqlitePath = await leave('killed');
        const file = join(sqlitePath, FILE_NAME);
        writeFileSync(file, 'no database\n'.repeat(5000));
        rmSync(file + gone);
        const { cache } = await start({ sqlitePath });

        expect(await cache.mget(KEYS)).toEqual(KEYS.map(() => undefined));
        const aside = readdirSync(sqlitePath).flatMap((name) =>
          name.split(/\.corrupt-\d+/).slice(1),
        );
        const left = ['', '-wal', '-shm'].filter((suffix) => suffix !== gone);
        expect(aside).toEqual(expect.arrayContaining(left));
      },
    );

    it('goes on without the index of its log', async () => {
      const sqlitePath = await leave('killed');
      rmSync(join(sqlitePath, `${FILE_NAME}-shm`));
      const { cache } = await start({ sqlitePath });
      expect(await cache.mget(KEYS)).toEqual(KEYS.map(() => VALUE));
    });
  });

  describe('whose system calls fail', () => {
    const itUnderStrace = itWhere(hasStrace, 'strace that may inject faults: failing system calls');
    const startProgram = useNodeProcesses();
    const tracers: ChildProcess[] = [];
    afterEach(() => {
      for (const tracer of tracers.splice(0)) tracer.kill('SIGKILL');
    });

    const ask = async <T>(process: NodeProcess, method: string, ...args: unknown[]): Promise<T> =>
      (await process.ask<T>('cache', method, ...args)).value;

    /** From here on these calls on the node's files fail, until the result is called. */
    async function inject(process: NodeProcess, directory: string, calls: string, errno: string) {
      const paths = ['', '-wal'].flatMap((suffix) => ['-P', join(directory, FILE_NAME + suffix)]);
      const faults = ['-e', `trace=${calls}`, '-e', `inject=${calls}:error=${errno}`];
      const tracer = spawn('strace', ['-f', ...paths, ...faults, '-p', String(process.pid)], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      tracers.push(tracer);
      // "Process N attached"
      await once(tracer.stderr ?? tracer, 'data');
      tracer.stderr?.resume();
      return async (): Promise<void> => {
        const ended = once(tracer, 'exit');
        tracer.kill('SIGINT');
        await ended;
      };
    }

    itUnderStrace.each([
      ['writes find no space', 'pwrite64', 'ENOSPC', 'HC_STORAGE_FULL', 'normal'],
      ['writes fail', 'pwrite64', 'EIO', 'HC_STORAGE_FAILED', 'normal'],
      ['syncs fail', 'fsync,fdatasync', 'EIO', 'HC_STORAGE_FAILED', 'full'],
    ] as const)(
      'fails writes by name, serves reads, and recovers by itself: %s',
      async (_what, calls, errno, code, durability) => {
        const sqlitePath = newDirectory();
        const options = { sqlitePath, l1: false, durability, sweepInterval: 50 } as const;
        const node = await startProgram('remote', { options });
        await ask(
          node,
          'mset',
          KEYS.map((key) => ({ key, value: VALUE })),
        );
        const heal = await inject(node, sqlitePath, calls, errno);
        for (let i = 0; i < 10; i++) {
          await expect(ask(node, 'set', `lost${i}`, VALUE)).rejects.toMatchObject({ code });
          await expect(ask(node, 'increment', 'count')).rejects.toMatchObject({ code });
        }
        expect(await ask(node, 'mget', KEYS)).toEqual(KEYS.map(() => VALUE));
        await heal();

        await eventually(() => ask(node, 'set', 'after', 'value'));
        expect(await ask(node, 'increment', 'count')).toBe(1);
        await node.kill();
        const again = await startProgram('remote', { options });
        expect(await ask(again, 'mget', [...KEYS, 'after', 'lost0', 'count'])).toEqual([
          ...KEYS.map(() => VALUE),
          'value',
          undefined,
          1,
        ]);
      },
    );

    itUnderStrace('makes reads that fail misses, and finds everything afterwards', async () => {
      const sqlitePath = newDirectory();
      const options = { sqlitePath, l1: false, sweepInterval: 3_600_000 } as const;
      const filled = await startProgram('remote', { options });
      // More than the page cache of a connection holds.
      const large = Array.from({ length: 40 }, (_, i) => `large${i}`);
      for (const key of large) await ask(filled, 'set', key, key.padEnd(1_000_000, 'x'));
      await filled.finish();
      const node = await startProgram('remote', { options });
      const heal = await inject(node, sqlitePath, 'pread64', 'EIO');
      for (const key of large) expect(await ask(node, 'get', key)).toBeUndefined();
      const { value: stats } = await node.ask<{ incidents: number }>('node', 'stats');
      expect(stats.incidents).toBeGreaterThan(0);
      await heal();

      for (const key of large) expect(await ask(node, 'get', key)).toBe(key.padEnd(1_000_000, 'x'));
      await ask(node, 'set', 'after', 1);
      expect(await ask(node, 'get', 'after')).toBe(1);
    });
  });
});
