import { describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { useNodeProcesses, type NodeProcess } from '../../support/node-process.js';
import { useNodes } from '../../support/nodes.js';
import { useTemporaryDirectories } from '../../support/temporary-directory.js';

describe('The counts of entries', () => {
  const startNode = useNodes();
  const startProgram = useNodeProcesses();
  const directory = useTemporaryDirectories();
  const startOther = (home: string) => startProgram('remote', { options: { sqlitePath: home } });
  const setMany = async (other: NodeProcess, prefix: string, count: number): Promise<void> => {
    const entries = Array.from({ length: count }, (_, i) => ({ key: `${prefix}${i}`, value: i }));
    await other.ask('cache', 'mset', entries);
  };
  const epochOf = async (other: NodeProcess): Promise<number> =>
    (await other.ask<{ epoch: number }>('node', 'stats')).value.epoch;

  it('are those of all processes on the file', async () => {
    const home = directory();
    const node = await startNode({ sqlitePath: home });
    const cache = node.cache('default');
    await cache.set('a', 1);
    const other = await startOther(home);
    await cache.set('b', 1);
    await setMany(other, 'other', 10);
    await cache.delete('other3');
    await other.ask('cache', 'del', 'a');
    await cache.set('b', 2);

    expect((await node.stats()).l2?.entries).toBe(10);
    await expect(other.ask('node', 'stats')).resolves.toMatchObject({
      value: { l2: { entries: 10 } },
    });
    await expect(cache.clear()).resolves.toBe(10);
  });

  it('are right when one of them is killed, and after the last has gone', async () => {
    const home = directory();
    const node = await startNode({ sqlitePath: home });
    const other = await startOther(home);
    await setMany(other, 'other', 10);
    await node.cache('default').set('a', 1);
    await other.kill();
    await node.cache('default').set('b', 1);
    expect((await node.stats()).l2?.entries).toBe(12);
    await node.close();

    const next = await startNode({ sqlitePath: home });
    expect((await next.stats()).l2?.entries).toBe(12);
    const file = new Database(join(home, 'hypercache.sqlite'), { readonly: true });
    expect(
      file.prepare("SELECT count(*) FROM meta WHERE name = 'counts_shared'").pluck().get(),
    ).toBe(0);
    file.close();
  });

  it('cost a commit no more where there are thousands of namespaces', async () => {
    const home = directory();
    const node = await startNode({ sqlitePath: home });
    await startOther(home);
    const cache = node.cache('default');
    const oneRound = async (): Promise<number> => {
      const start = process.cpuUsage();
      for (let i = 0; i < 300; i++) await cache.set(`key-${i}`, i);
      const { user, system } = process.cpuUsage(start);
      for (let i = 0; i < 300; i++) await cache.delete(`key-${i}`);
      return user + system;
    };
    /** The least of several, without a collection of garbage or code that is compiled. */
    const cost = async (): Promise<number> => {
      let least = Infinity;
      for (let i = 0; i < 4; i++) least = Math.min(least, await oneRound());
      return least;
    };
    const before = await cost();
    const names = Array.from({ length: 5000 }, (_, i) => `tenant-${i}`);
    for (let i = 0; i < names.length; i += 500) {
      await Promise.all(names.slice(i, i + 500).map((name) => node.cache(name).set('key', 1)));
    }
    const after = await cost();

    expect(after).toBeLessThan(4 * before);
    expect((await node.stats()).l2?.entries).toBe(5000);
  });

  it('bound the entries of all processes together', async () => {
    const home = directory();
    const node = await startNode({ sqlitePath: home, maxEntries: 100 });
    const other = await startProgram('remote', { options: { sqlitePath: home, maxEntries: 100 } });
    for (let i = 0; i < 10; i++) {
      await setMany(other, `other${i}-`, 20);
      await node.cache('default').set(`own${i}`, i);
    }

    expect((await node.stats()).l2?.entries).toBeLessThanOrEqual(100);
    await expect(node.cache('default').clear()).resolves.toBeLessThanOrEqual(100);
  });

  it('begin no new epoch when a process joins others', async () => {
    const home = directory();
    const node = await startNode({ sqlitePath: home });
    const { epoch } = await node.stats();
    const other = await startOther(home);
    expect(await epochOf(other)).toBe(epoch);
    await other.kill();
    const third = await startOther(home);

    expect(await epochOf(third)).toBe(epoch);
  });
});
