import { describe, expect, it } from '@jest/globals';
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createNode } from '../../../lib/node/create-node.js';
import { resolveOptions } from '../../../lib/node/resolve-options.js';
import { useDirectClusters } from '../../support/clusters.js';
import { useTemporaryDirectories } from '../../support/temporary-directory.js';

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

function filesIn(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true }).flatMap((entry) =>
    entry.isFile() ? [join(entry.parentPath, entry.name)] : [],
  );
}

const modesIn = (directory: string): string[] => [...new Set(filesIn(directory).map(modeOf))];

describe('The files of a node', () => {
  const newDirectory = useTemporaryDirectories();

  async function writeIn(sqlitePath: string, fileMode?: number): Promise<string[]> {
    const node = createNode(resolveOptions({ sqlitePath, fileMode, logger: false }, {}));
    await node.start();
    try {
      await node.cache('n').set('key', 'secret');
      await node.backup(join(sqlitePath, 'backup.sqlite'));
      return modesIn(sqlitePath);
    } finally {
      await node.close();
    }
  }

  it("are their owner's alone, in a directory that only the owner enters", async () => {
    const sqlitePath = join(newDirectory(), 'made', 'hypercache');

    expect(await writeIn(sqlitePath)).toEqual(['600']);
    expect(modeOf(sqlitePath)).toBe('700');
  });

  it("are their owner's alone in a directory that is there, which keeps its own", async () => {
    const sqlitePath = join(newDirectory(), 'there');
    mkdirSync(sqlitePath, { mode: 0o755 });

    expect(await writeIn(sqlitePath)).toEqual(['600']);
    expect(modeOf(sqlitePath)).toBe('755');
  });

  it("have the mode that the option says, whatever the mask of the process; a backup stays the owner's", async () => {
    const sqlitePath = join(newDirectory(), 'group');

    expect((await writeIn(sqlitePath, 0o660)).toSorted()).toEqual(['600', '660']);
    expect(modeOf(sqlitePath)).toBe('770');
  });

  it('keep their mode when they are there', async () => {
    const sqlitePath = join(newDirectory(), 'twice');
    await writeIn(sqlitePath, 0o660);

    const node = createNode(resolveOptions({ sqlitePath, logger: false }, {}));
    await node.start();
    await node.close();

    expect(modeOf(join(sqlitePath, 'hypercache.sqlite'))).toBe('660');
  });
});

describe('The files of a secondary', () => {
  const clusters = useDirectClusters();

  it("are their owner's alone: replica, snapshot and outbox", async () => {
    const sqlitePath = clusters.directory();
    const primary = await clusters.primary();
    await primary.cache('n').set('before', 'secret');
    const { node, cache } = await clusters.secondary(primary, { sqlitePath });
    await cache.set('key', 'secret');
    await node.flush();

    expect(filesIn(sqlitePath).length).toBeGreaterThan(2);
    expect(modesIn(sqlitePath)).toEqual(['600']);
  });
});
