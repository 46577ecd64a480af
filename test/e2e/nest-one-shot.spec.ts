import { describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { HyperCacheOptions } from '../../lib/node/options.js';
import { useTemporaryDirectories } from '../support/temporary-directory.js';

const PROGRAM = join(import.meta.dirname, '../support/programs/one-shot.mjs');

/** Nothing listens there. */
const AWAY = 'http://127.0.0.1:9';

describe('A job that runs once', () => {
  const directory = useTemporaryDirectories();

  async function run(options: HyperCacheOptions, calls: string[]): Promise<string[]> {
    const given = {
      sqlitePath: directory(),
      apiToken: 'a token for a job that runs once, 32+',
      ...options,
    };
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [PROGRAM, JSON.stringify({ options: given, calls })],
      { timeout: 30_000 },
    );
    return stdout.trim().split('\n');
  }

  it.each([
    ['feed', true],
    ['feed', false],
    ['none', true],
    ['none', false],
  ] as const)(
    "hears how each of its calls ended while the primary is away, with replica '%s', asyncRequests: %s",
    async (replica, asyncRequests) => {
      const calls = ['set', 'increment', 'wrap', 'set', 'acquire', 'wait', 'versioned', 'flush'];

      const ends = await run(
        { role: 'secondary', primaryUrl: AWAY, timeout: 300, replica, asyncRequests },
        calls,
      );

      expect(ends.map((end) => end.split(':')[0])).toEqual(calls);
      expect(ends).toContain('increment: HC_PRIMARY_UNREACHABLE');
      expect(ends).toContain('wrap: resolved');
    },
  );

  it('hears it on a primary, a wait for a lock included, and then ends by itself', async () => {
    const calls = ['set', 'increment', 'wrap', 'hold', 'waitForHeld', 'versioned', 'flush'];

    await expect(run({}, calls)).resolves.toEqual(calls.map((call) => `${call}: resolved`));
  });
});
