import { afterEach, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { useDirectClusters } from '../support/clusters.js';
import { eventually } from '../support/eventually.js';
import { makeTemporaryDirectory } from '../support/temporary-directory.js';

const DISK_BYTES = 8 * 1024 * 1024;
const FILLER = 'filler';

/** A small disk of its own, where this process may mount one. */
function mountDisk(): string | undefined {
  const path = makeTemporaryDirectory();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', path], {
      stdio: 'ignore',
    });
    return path;
  } catch {
    rmSync(path, { recursive: true });
    return undefined;
  }
}

function unmountDisk(path: string): void {
  execFileSync('umount', ['-l', path]);
  rmSync(path, { recursive: true });
}

const probe = mountDisk();
if (probe !== undefined) unmountDisk(probe);
const itOnADisk = probe === undefined ? it.skip : it;

function fill(disk: string): void {
  const file = openSync(join(disk, FILLER), 'w');
  try {
    for (let size = 1024 * 1024; size >= 512; size /= 2) {
      try {
        for (;;) writeSync(file, Buffer.alloc(size));
      } catch {
        // Smaller pieces may still fit.
      }
    }
  } finally {
    closeSync(file);
  }
}

describe('A secondary', () => {
  const disks: string[] = [];
  afterEach(() => {
    for (const disk of disks.splice(0)) unmountDisk(disk);
  });
  // After the disks in the code: its nodes are closed before they go.
  const clusters = useDirectClusters();

  const disk = (): string => {
    const path = mountDisk() ?? '';
    disks.push(path);
    return path;
  };

  itOnADisk('whose outbox has no room on the disk says so, and recovers', async () => {
    const primary = await clusters.primary();
    const sqlitePath = disk();
    const { node, cache, client } = await clusters.secondary(primary, {
      sqlitePath,
      asyncRequests: true,
    });
    await cache.set('key', 'value');
    await node.flush();
    client.endpoint = undefined;
    client.cut();
    await cache.set('accepted', 1);
    fill(sqlitePath);
    const accepted: string[] = [];
    let refusal: unknown;
    for (let i = 0; i < 100 && refusal === undefined; i++) {
      await cache.set(`more${i}`, 'x'.repeat(1000)).then(
        () => accepted.push(`more${i}`),
        (error: unknown) => (refusal = error),
      );
    }

    expect(refusal).toMatchObject({ code: 'HC_STORAGE_FULL' });
    expect(await cache.mget(['key', 'accepted'])).toEqual(['value', 1]);
    // It is sent, though the outbox cannot note it.
    client.endpoint = primary.sync;
    await eventually(async () => expect(await primary.cache('default').get('accepted')).toBe(1));
    rmSync(join(sqlitePath, FILLER));
    await eventually(() => cache.set('after', 2));
    await node.flush();
    const keys = ['accepted', 'after', ...accepted];
    expect(await primary.cache('default').mget(keys)).toEqual(await cache.mget(keys));
    expect(await cache.get('after')).toBe(2);
    expect((await node.stats()).outbox?.entries).toBe(0);
  });

  itOnADisk('whose replica has no room on the disk serves what it has, and recovers', async () => {
    const primary = await clusters.primary();
    const sqlitePath = disk();
    const { node, cache } = await clusters.secondary(primary, { sqlitePath });
    const errors = new Set<string>();
    node.on('error', ({ error }) => errors.add(error.code));
    const own = primary.cache('default');
    await own.set('key', 'value');
    await eventually(async () => expect(await cache.get('key')).toBe('value'));
    fill(sqlitePath);
    for (let i = 0; i < 200; i++) await own.set(`large${i}`, `${i}`.padEnd(1000, 'x'));
    await own.set('key', 'newer');
    await eventually(() => expect(errors).toContain('HC_STORAGE_FULL'));

    expect(await cache.get('key')).toBe('value');
    rmSync(join(sqlitePath, FILLER));
    await eventually(async () => expect(await cache.get('key')).toBe('newer'));
    expect(await cache.get('large199')).toBe('199'.padEnd(1000, 'x'));
    await cache.set('after', 1);
    expect(await own.get('after')).toBe(1);
  });
});

describe('A primary that was away for longer than its log goes back', () => {
  const clusters = useDirectClusters();

  it('is caught up with by one snapshot, and gets the outbox', async () => {
    const primary = await clusters.primary({ changeLogEntries: 1000, sweepInterval: 1 });
    const { node, cache, client } = await clusters.secondary(primary, { asyncRequests: true });
    const own = primary.cache('default');
    const { snapshots = 0 } = (await node.stats()).replica ?? {};
    client.endpoint = undefined;
    client.cut();
    const accepted = Array.from({ length: 500 }, (_, i) => `accepted${i}`);
    for (const key of accepted) await cache.set(key, key);
    for (let i = 0; i < 20_000; i++) void own.set(`key${i % 100}`, i);
    await own.set('last', 1);
    await eventually(async () => expect(await own.get('last')).toBe(1));
    client.endpoint = primary.sync;
    await node.flush();
    await eventually(async () => expect(await cache.get('last')).toBe(1));

    expect((await node.stats()).replica?.snapshots).toBe(snapshots + 1);
    expect(await own.mget(accepted)).toEqual(accepted);
    const keys = Array.from({ length: 100 }, (_, i) => `key${i}`);
    expect(await cache.mget(keys)).toEqual(await own.mget(keys));
  });
});
