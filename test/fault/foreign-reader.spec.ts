import { describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { join } from 'node:path';
import { FILE_NAME } from '../../lib/sqlite/storage.js';
import { eventually } from '../support/eventually.js';
import { useNodes } from '../support/nodes.js';
import { useTemporaryDirectories } from '../support/temporary-directory.js';

const MIB = 1024 * 1024;

describe('A reader of another program that does not end', () => {
  const startNode = useNodes();
  const directory = useTemporaryDirectories();

  it('is told of once when it makes the log outgrow maxSize, and again when that happens again', async () => {
    const sqlitePath = directory();
    const node = await startNode({ sqlitePath, maxSize: 4 * MIB, sweepInterval: 5 });
    const told: string[] = [];
    node.on('error', ({ error }) => void told.push(error.code));
    const cache = node.cache('default');
    await cache.set('key', 0);
    const outgrow = async (): Promise<void> => {
      const reader = new Database(join(sqlitePath, FILE_NAME), { readonly: true });
      try {
        reader.exec('BEGIN');
        reader.prepare('SELECT count(*) FROM entries').get();
        const count = told.length;
        for (let i = 0; i < 60; i++) await cache.set('key', String(i % 10).repeat(100_000));
        await eventually(() => expect(told.length).toBeGreaterThan(count));
      } finally {
        reader.close();
      }
    };

    await outgrow();
    expect(told).toEqual(['HC_LOG_TOO_LARGE']);
    await eventually(async () => {
      await cache.set('key', 1);
      expect((await node.stats()).l2.walBytes).toBeLessThanOrEqual(4 * MIB);
    });
    await outgrow();

    expect(told).toEqual(['HC_LOG_TOO_LARGE', 'HC_LOG_TOO_LARGE']);
  });
});
