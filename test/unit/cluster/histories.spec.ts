import { describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HyperCacheError } from '../../../lib/common/errors.js';
import { acceptNewHistory } from '../../../lib/admin/accept-new-history.js';
import type { HyperCacheNode } from '../../../lib/node/hyper-cache-node.js';
import type { HyperCacheOptions } from '../../../lib/node/options.js';
import { HistoryGuard } from '../../../lib/cluster/replica/history-guard.js';
import { canResume } from '../../../lib/cluster/wire/position.js';
import { useDirectClusters, type DirectSecondary } from '../../support/clusters.js';
import { eventually } from '../../support/eventually.js';

const clusters = useDirectClusters();
const FILE = 'hypercache.sqlite';

function errorsOf(node: HyperCacheNode): HyperCacheError[] {
  const errors: HyperCacheError[] = [];
  node.on('error', ({ error }) => errors.push(error));
  return errors;
}

const codes = (errors: readonly HyperCacheError[]): string[] => errors.map(({ code }) => code);

function turnTo({ client }: DirectSecondary, primary: HyperCacheNode): void {
  client.endpoint = primary.sync;
  client.cut();
}

/** Resolves when a secondary follows the history of a primary. */
async function follows({ node }: DirectSecondary, primary: HyperCacheNode): Promise<void> {
  const { historyId, revision } = await primary.stats();
  await eventually(async () =>
    expect(await node.stats()).toMatchObject({
      historyId,
      revision,
      replica: { isConnected: true },
    }),
  );
}

async function primaryWith(key: string, options: HyperCacheOptions = {}): Promise<HyperCacheNode> {
  const primary = await clusters.primary(options);
  await primary.cache('default').set(key, key);
  return primary;
}

describe('a primary that has come back empty', () => {
  it('is refused by a replica, over restarts, until a command accepts it', async () => {
    const sqlitePath = clusters.directory();
    const first = await primaryWith('first');
    const secondary = await clusters.secondary(first, { sqlitePath });
    const errors = errorsOf(secondary.node);
    const empty = await clusters.primary();
    turnTo(secondary, empty);
    await eventually(() => expect(codes(errors)).toContain('HC_PRIMARY_MISMATCH'));
    await empty.cache('default').set('second', 'second');
    await secondary.node.close();

    await expect(clusters.secondary(empty, { sqlitePath })).rejects.toMatchObject({
      code: 'HC_PRIMARY_MISMATCH',
      message: expect.stringContaining('npx --no hypercache accept-new-history'),
    });
    acceptNewHistory(sqlitePath);
    const again = await clusters.secondary(empty, { sqlitePath });
    await follows(again, empty);
    expect(await again.cache.mget(['first', 'second'])).toEqual([undefined, 'second']);
  });

  it('is accepted once: by the connection that follows the command', async () => {
    const sqlitePath = clusters.directory();
    const first = await primaryWith('first');
    const before = await clusters.secondary(first, { sqlitePath });
    await before.node.close();
    acceptNewHistory(sqlitePath);
    const secondary = await clusters.secondary(first, { sqlitePath });
    await follows(secondary, first);
    const errors = errorsOf(secondary.node);
    turnTo(secondary, await clusters.primary());

    await eventually(() => expect(codes(errors)).toContain('HC_PRIMARY_MISMATCH'));
    expect(await secondary.cache.get('first')).toBe('first');
  });

  it('is followed by a replica with acceptNewHistory', async () => {
    const secondary = await clusters.secondary(await primaryWith('first'), {
      acceptNewHistory: true,
    });
    const empty = await clusters.primary();
    turnTo(secondary, empty);
    await follows(secondary, empty);

    expect(await secondary.cache.get('first')).toBeUndefined();
  });
});

describe('a primary with another history, which is not empty', () => {
  it('is followed with a snapshot', async () => {
    const secondary = await clusters.secondary(await primaryWith('first'));
    const second = await primaryWith('second');
    turnTo(secondary, second);
    await follows(secondary, second);

    expect(await secondary.cache.mget(['first', 'second'])).toEqual([undefined, 'second']);
  });
});

describe('a backup that is restored', () => {
  it('is followed with a snapshot, also by those who have followed another restoration of it', async () => {
    const original = await primaryWith('first');
    const backup = clusters.directory();
    await original.backup(join(backup, FILE));
    const restore = async (): Promise<HyperCacheNode> => {
      const sqlitePath = clusters.directory();
      copyFileSync(join(backup, FILE), join(sqlitePath, FILE));
      return clusters.primary({ sqlitePath });
    };
    const one = await restore();
    const secondary = await clusters.secondary(one);
    for (let i = 0; i < 5; i++) await one.cache('default').set(`ghost-${i}`, 'of the first');
    await follows(secondary, one);
    await one.close();
    const other = await restore();
    // As many writes as the first one had, and more, before the replica comes.
    for (let i = 0; i < 9; i++) await other.cache('default').set(`real-${i}`, 'of the second');
    turnTo(secondary, other);
    await follows(secondary, other);

    expect(await secondary.cache.mget(['first', 'ghost-0', 'real-0'])).toEqual([
      'first',
      undefined,
      'of the second',
    ]);
  });
});

describe('two primaries', () => {
  it('that answer in turn are named, and the one that is followed stays', async () => {
    const first = await primaryWith('first');
    const second = await primaryWith('second');
    const secondary = await clusters.secondary(first);
    turnTo(secondary, second);
    await follows(secondary, second);
    const errors = errorsOf(secondary.node);
    turnTo(secondary, first);
    await eventually(() => expect(codes(errors)).toContain('HC_TWO_PRIMARIES'));

    const { message = '' } = errors.find(({ code }) => code === 'HC_TWO_PRIMARIES') ?? {};
    for (const primary of [first, second]) {
      expect(message).toContain((await primary.stats()).historyId);
    }
    expect(await secondary.cache.mget(['first', 'second'])).toEqual([undefined, 'second']);
    turnTo(secondary, second);
    await follows(secondary, second);
  });

  it('on copies of one directory are named', async () => {
    const [one, other] = [clusters.directory(), clusters.directory()];
    const before = await primaryWith('first', { sqlitePath: one });
    await before.close();
    copyFileSync(join(one, FILE), join(other, FILE));
    const first = await clusters.primary({ sqlitePath: one });
    const second = await clusters.primary({ sqlitePath: other });
    const secondary = await clusters.secondary(first);
    await first.cache('default').set('only', 'in the first');
    await follows(secondary, first);
    const errors = errorsOf(secondary.node);
    turnTo(secondary, second);
    await follows(secondary, second);

    expect(errors.find(({ code }) => code === 'HC_TWO_PRIMARIES')?.message).toMatch(
      /\(pid \d+, [0-9a-f]{16}\).*\(pid \d+, [0-9a-f]{16}\).*copies of one directory/s,
    );
  });

  it('that have come equally far are named when what they hold differs', () => {
    const guard = new HistoryGuard('http://direct');
    guard.follow({ historyId: 'h', name: 'a' });
    guard.agree();

    expect(guard.differ(7)).toBeUndefined();
    guard.agree();
    guard.follow({ historyId: 'h', name: 'b' });
    expect(guard.differ(7)).toMatchObject({
      code: 'HC_TWO_PRIMARIES',
      message: expect.stringMatching(/revision 7 .* differs from b .* agreed with a/),
    });
  });

  it('are not what a primary is that has restarted', async () => {
    const sqlitePath = clusters.directory();
    const first = await primaryWith('first', { sqlitePath });
    const secondary = await clusters.secondary(first);
    await follows(secondary, first);
    const errors = errorsOf(secondary.node);
    await first.close();
    const again = await clusters.primary({ sqlitePath });
    turnTo(secondary, again);
    await follows(secondary, again);

    expect(codes(errors)).not.toContain('HC_TWO_PRIMARIES');
    expect(await secondary.node.stats()).toMatchObject({ replica: { snapshots: 1 } });
  });
});

describe('a replica that misses the content of changes', () => {
  it('takes a snapshot from a primary that goes on in another epoch', async () => {
    const [primaryDirectory, sqlitePath] = [clusters.directory(), clusters.directory()];
    const primary = await primaryWith('first', { sqlitePath: primaryDirectory });
    const secondary = await clusters.secondary(primary, { sqlitePath });
    await follows(secondary, primary);
    await secondary.node.close();
    await primary.close();
    run(sqlitePath, "INSERT INTO meta VALUES ('incomplete', '1')");
    run(primaryDirectory, "INSERT INTO processes VALUES ('killed', 0)");
    const again = await clusters.primary({ sqlitePath: primaryDirectory });
    const back = await clusters.secondary(undefined, { sqlitePath });
    turnTo(back, again);
    await follows(back, again);

    expect(await back.node.stats()).toMatchObject({ replica: { snapshots: 1 } });
  });

  it('is complete again once it has come as far as the primary', async () => {
    const sqlitePath = clusters.directory();
    const primary = await primaryWith('first');
    const secondary = await clusters.secondary(primary, { sqlitePath });
    await secondary.node.close();
    run(sqlitePath, "INSERT INTO meta VALUES ('incomplete', '1')");
    await primary.cache('default').set('second', 2);
    const back = await clusters.secondary(primary, { sqlitePath });
    await follows(back, primary);
    await back.node.close();

    expect(read(sqlitePath, "SELECT count(*) FROM meta WHERE name = 'incomplete'")).toBe(0);
  });
});

describe('canResume', () => {
  const head = { historyId: 'b', epoch: 2001, revision: 90 };
  const ancestors = [{ historyId: 'a', epoch: 3, from: 20, revision: 50 }];
  const resumes = (historyId: string, epoch: number, revision: number): boolean =>
    canResume(
      { historyId, epoch, revision },
      head,
      [
        [1, 0],
        [4, 30],
        [2001, 60],
      ],
      10,
      ancestors,
    );

  it.each([
    ['a', 3, 20, true],
    ['a', 3, 50, true],
    ['a', 3, 51, false],
    ['a', 3, 19, false],
    ['a', 2, 30, false],
    ['a', 4, 30, false],
    ['c', 3, 30, false],
    ['b', 2001, 90, true],
    ['b', 2001, 91, false],
    ['b', 4, 60, true],
    ['b', 4, 61, false],
    ['b', 1, 31, false],
    // An epoch of a copy that lived on elsewhere.
    ['b', 3, 20, false],
    ['b', 5, 20, false],
    ['b', 2002, 90, false],
  ])('from history %s, epoch %d, revision %d: %p', (historyId, epoch, revision, expected) => {
    expect(resumes(historyId, epoch, revision)).toBe(expected);
  });
});

function run(directory: string, sql: string): void {
  const file = new Database(join(directory, FILE));
  file.exec(sql);
  file.close();
}

function read(directory: string, sql: string): unknown {
  const file = new Database(join(directory, FILE), { readonly: true });
  try {
    return file.prepare(sql).pluck().get();
  } finally {
    file.close();
  }
}
