import { afterEach, describe, expect, it } from '@jest/globals';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { HyperCacheError } from '../../../lib/common/errors.js';
import { systemRandom } from '../../../lib/common/random.js';
import { REPLAY_WINDOW_MS, ReplayWindow } from '../../../lib/http/replay-window.js';
import { NonceFile } from '../../../lib/sqlite/nonce-file.js';
import { ManualClock } from '../../support/manual-clock.js';
import { overwritePages, runSql } from '../../support/sabotage.js';
import { useDatabases } from '../../support/storages.js';
import { useTemporaryDirectories } from '../../support/temporary-directory.js';

interface Process {
  readonly accepts: (nonce: string, timestamp: number, node?: string) => boolean | Promise<boolean>;
  readonly node: () => string;
  readonly errors: HyperCacheError[];
  readonly close: () => void;
}

describe('ReplayWindow', () => {
  const newDirectory = useTemporaryDirectories();
  const openDatabase = useDatabases();
  const open = new Set<ReplayWindow>();
  afterEach(() => {
    for (const window of open) window.close();
    open.clear();
  });

  function setUp(maxNonces?: number) {
    const clock = new ManualClock();
    const path = join(newDirectory(), 'nonces.sqlite');
    const start = (role = 'primary', own = path): Process => {
      const shared = { role, since: clock.now(), clock, random: systemRandom, maxNonces };
      const errors: HyperCacheError[] = [];
      const window = new ReplayWindow({
        clock,
        isPrimary: role === 'primary',
        file: new NonceFile({ ...shared, path: own }),
        memory: new NonceFile({ ...shared, path: ':memory:' }),
        onError: (error) => errors.push(error),
      });
      open.add(window);
      return {
        accepts: (nonce, timestamp, node) => window.accepts({ nonce, timestamp, node }),
        node: () => window.node,
        errors,
        close: () => {
          open.delete(window);
          window.close();
        },
      };
    };
    return { clock, path, start };
  }

  it('accepts what is new, and nothing twice for as long as it could be accepted', () => {
    const { clock, start } = setUp();
    const { accepts } = start();
    const signedAt = clock.now() + REPLAY_WINDOW_MS;
    expect(accepts('a', signedAt)).toBe(true);

    for (let passed = 0; passed <= 3 * REPLAY_WINDOW_MS; passed += 500) {
      expect(accepts('a', signedAt)).toBe(false);
      expect(accepts(`new ${passed}`, clock.now())).toBe(true);
      clock.advance(500);
    }
  });

  it('refuses what is older or newer than the window, and what was signed before it began', () => {
    const { clock, start } = setUp();
    const { accepts } = start();
    const begin = clock.now();
    expect(accepts('a', begin - 1)).toBe(false);
    expect(accepts('b', begin)).toBe(true);
    clock.advance(2 * REPLAY_WINDOW_MS);

    const now = clock.now();
    expect(accepts('c', now - REPLAY_WINDOW_MS - 1)).toBe(false);
    expect(accepts('d', now - REPLAY_WINDOW_MS)).toBe(true);
    expect(accepts('e', now + REPLAY_WINDOW_MS)).toBe(true);
    expect(accepts('f', now + REPLAY_WINDOW_MS + 1)).toBe(false);
  });

  it('gives up the oldest requests rather than its bound, and never lets one pass twice', () => {
    const { clock, start } = setUp(100);
    const { accepts } = start();
    const accepted: [string, number][] = [];
    for (let i = 0; i < 1000; i++) {
      clock.advance(50);
      const nonce = `nonce ${i}`;
      expect(accepts(nonce, clock.now())).toBe(true);
      accepted.push([nonce, clock.now()]);
    }

    for (const [nonce, timestamp] of accepted) expect(accepts(nonce, timestamp)).toBe(false);
    expect(accepts('late', clock.now() - 10_000)).toBe(false);
    expect(accepts('in time', clock.now() - 1010)).toBe(true);
  });

  it.each(['the same process', 'another process', 'the next start'])(
    'refuses in %s what has passed before',
    (where) => {
      const { clock, start } = setUp();
      const first = start();
      const signedAt = clock.now();
      const node = (first.accepts('warm', signedAt), first.node());
      expect([first.accepts('a', signedAt), first.accepts('b', signedAt, node)]).toEqual([
        true,
        true,
      ]);
      if (where === 'the next start') first.close();
      const other = where === 'the same process' ? first : start();

      expect(other.accepts('a', signedAt)).toBe(false);
      expect(other.accepts('b', signedAt, node)).toBe(false);
      expect(other.accepts('c', signedAt, node)).toBe(true);
      expect(other.node()).toBe(node);
    },
  );

  it.each([
    ['while it runs', false],
    ['between two starts', true],
  ])('refuses what has passed before when the clock is set back %s', (_when, restarts) => {
    const { clock, start } = setUp();
    const first = start();
    const signedAt = clock.now();
    expect(first.accepts('a', signedAt)).toBe(true);
    for (let i = 0; i < 100; i++) {
      clock.advance(60_000);
      expect(first.accepts(`later ${i}`, clock.now())).toBe(true);
    }
    if (restarts) first.close();
    clock.jumpTo(signedAt);
    const second = restarts ? start() : first;

    expect(second.accepts('a', signedAt)).toBe(false);
    expect(second.accepts('new', signedAt)).toBe(true);
  });

  it('accepts what names this node, and what names none only on a primary', () => {
    const { clock, start } = setUp();
    const primary = start();
    const secondary = start('secondary', join(newDirectory(), 'nonces.sqlite'));
    const now = clock.now();
    expect(primary.accepts('a', now)).toBe(true);
    expect(secondary.accepts('a', now)).toBe(false);
    expect(primary.node()).not.toBe(secondary.node());

    expect(primary.accepts('b', now, secondary.node())).toBe(false);
    expect(secondary.accepts('b', now, secondary.node())).toBe(true);
    expect(secondary.accepts('c', now, primary.node())).toBe(false);
    expect(primary.accepts('c', now, primary.node())).toBe(true);
  });

  it('refuses on a node that has become the primary what named none and was signed before', () => {
    const { clock, start } = setUp();
    const before = start('secondary');
    const signedAt = clock.now();
    expect(before.accepts('a', signedAt)).toBe(false);
    before.close();
    clock.advance(1000);
    const promoted = start('primary');

    expect(promoted.accepts('b', signedAt)).toBe(false);
    expect(promoted.accepts('c', signedAt, promoted.node())).toBe(true);
    expect(promoted.accepts('d', clock.now())).toBe(true);
  });

  it('waits for another process that has the file locked, without holding the loop', async () => {
    const { clock, path, start } = setUp();
    const { accepts } = start();
    expect(accepts('a', clock.now())).toBe(true);
    const other = openDatabase(path);
    other.exec('BEGIN IMMEDIATE');
    const waiting = accepts('b', clock.now());
    expect(waiting).toBeInstanceOf(Promise);
    other.exec('ROLLBACK');

    await expect(waiting).resolves.toBe(true);
    expect(accepts('b', clock.now())).toBe(false);
  });

  it('still refuses what has passed at this process when the file cannot be written, and says so', () => {
    const { clock, path, start } = setUp();
    const { accepts, node, errors } = start();
    expect(accepts('a', clock.now())).toBe(true);
    const named = node();
    runSql(
      path,
      `CREATE TRIGGER refuse BEFORE INSERT ON nonces BEGIN SELECT RAISE(ABORT, 'refused'); END`,
    );

    expect(existsSync(':memory:')).toBe(false);
    expect(accepts('a', clock.now())).toBe(false);
    expect(accepts('b', clock.now(), named)).toBe(true);
    expect(accepts('b', clock.now(), named)).toBe(false);
    expect(accepts('c', clock.now(), 'f'.repeat(32))).toBe(false);
    expect(errors.map(({ code }) => code)).toContain('HC_STORAGE_FAILED');
    runSql(path, 'DROP TRIGGER refuse');
    expect(accepts('b', clock.now(), named)).toBe(false);
    expect(accepts('d', clock.now(), named)).toBe(true);
  });

  it('puts a damaged file aside, and accepts nothing that was signed before', () => {
    const { clock, path, start } = setUp();
    const first = start();
    const signedAt = clock.now();
    expect(first.accepts('a', signedAt)).toBe(true);
    const before = first.node();
    first.close();
    expect(existsSync(`${path}-wal`)).toBe(false);
    overwritePages(path, 1);
    clock.advance(1000);
    const second = start();

    expect(second.accepts('a', signedAt)).toBe(false);
    expect(second.accepts('b', clock.now())).toBe(true);
    expect(second.node()).not.toBe(before);
    expect(readdirSync(join(path, '..')).some((name) => name.includes('.corrupt-'))).toBe(true);
  });
});
