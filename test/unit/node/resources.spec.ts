import { AsyncLocalStorage } from 'node:async_hooks';
import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { eventually } from '../../support/eventually.js';
import { useNodes } from '../../support/nodes.js';
import { useTemporaryDirectories } from '../../support/temporary-directory.js';

const CYCLES = 100;
/** So many commits start the thread for checkpoints. */
const COMMITS = 260;

const openFiles = (): number =>
  existsSync('/proc/self/fd') ? readdirSync('/proc/self/fd').length : 0;
const threads = (): number =>
  existsSync('/proc/self/task') ? readdirSync('/proc/self/task').length : 0;
const timers = (): number =>
  process.getActiveResourcesInfo().filter((name) => name === 'Timeout' || name === 'Immediate')
    .length;

describe('the resources of a node', () => {
  const openNode = useNodes();
  const directory = useTemporaryDirectories();

  it('are given back, a hundred times: files, threads and timers', async () => {
    const sqlitePath = directory();
    const cycle = async (i: number): Promise<void> => {
      const node = await openNode({ sqlitePath });
      const cache = node.cache('default');
      for (let n = 0; n < COMMITS; n++) await cache.set(`k${n}`, i);
      if (i % 10 === 0) {
        await eventually(async () => expect((await node.stats()).l2.checkpoints).toBe('worker'));
      }
      await node.close();
    };
    const threadsBefore = threads();
    await cycle(0);
    // A thread that has been told to end takes a moment for it.
    await eventually(() => expect(threads()).toBe(threadsBefore));
    const before = [openFiles(), timers()];

    for (let i = 1; i <= CYCLES; i++) await cycle(i);

    await eventually(() => {
      expect(threads()).toBe(threadsBefore);
      expect([openFiles(), timers()]).toEqual(before);
    });
    expect(readdirSync(sqlitePath)).toEqual(['hypercache.sqlite']);
  }, 60_000);

  it('keep nothing of the request that was the first to use them', async () => {
    const requests = new AsyncLocalStorage<string>();
    const node = await openNode();
    const cache = node.cache('default');
    const seen: unknown[] = [];
    node.on('set', () => seen.push(requests.getStore()));

    await requests.run('a request', async () => {
      for (let n = 0; n < COMMITS; n++) await cache.set(`k${n}`, n);
      expect(requests.getStore()).toBe('a request');
    });

    expect(new Set(seen)).toEqual(new Set([undefined]));
    expect(seen).toHaveLength(COMMITS);
  });
});
