import { describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { join } from 'node:path';
import { eventually } from '../../support/eventually.js';
import { hyperCacheOn } from '../../support/hyper-caches.js';
import { useNodes } from '../../support/nodes.js';
import { useTemporaryDirectories } from '../../support/temporary-directory.js';

const MAX_SIZE = 4 * 1024 * 1024;
const TOKEN = 'a-token-of-more-than-32-characters-of-this-test';

describe('Leases in a small file', () => {
  const start = useNodes();
  const newDirectory = useTemporaryDirectories();

  async function setUp() {
    const sqlitePath = newDirectory();
    // With a token, because others may come: then factories are called under leases.
    const node = await start({ sqlitePath, maxSize: MAX_SIZE, apiToken: TOKEN, sweepInterval: 5 });
    const cache = hyperCacheOn(node);
    for (let i = 0; i < 200; i++) await cache.set(`entry-${i}`, 'x'.repeat(1000));
    const leases = (): number => {
      const database = new Database(join(sqlitePath, 'hypercache.sqlite'), { readonly: true });
      const count = database.prepare('SELECT count(*) FROM leases').pluck().get();
      database.close();
      return Number(count);
    };
    const expectEntries = async (): Promise<void> => {
      const { l2 } = await cache.stats();
      expect(l2).toMatchObject({ evicted: 0 });
      expect(l2.entries).toBeGreaterThanOrEqual(200);
      expect(l2.fileBytes).toBeLessThanOrEqual(MAX_SIZE);
    };
    return { cache, leases, expectEntries };
  }

  it('of factories leave nothing behind', async () => {
    const { cache, leases, expectEntries } = await setUp();
    await Promise.all(
      Array.from({ length: 2000 }, (_, i) => cache.wrap(`page-${i}`, () => i, { ttl: 1 })),
    );
    const failed = cache.wrap('failing', () => {
      throw new Error('mine');
    });
    await expect(failed).rejects.toThrow('mine');

    // The right is given back behind the caller's back.
    await eventually(() => expect(leases()).toBe(0));
    await expectEntries();
  });

  it('of locks make room for entries as soon as they are free', async () => {
    const { cache, leases, expectEntries } = await setUp();
    const names = Array.from({ length: 12_000 }, (_, i) => `${i}:`.padEnd(500, 'x'));
    let last = 0;
    for (let i = 0; i < names.length; i += 500) {
      await Promise.all(
        names.slice(i, i + 500).map((name) => cache.lock(name, { ttl: 3_600_000 }).run(() => 1)),
      );
      const token = await cache.lock('one', { ttl: 1000 }).run((context) => context.token);
      expect(token).toBeGreaterThan(last);
      last = token;
    }

    expect(leases()).toBeLessThan(6000);
    await expectEntries();
  });
});
