import { describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { campaign } from '../support/campaign.js';
import { eventually } from '../support/eventually.js';
import { useNodeProcesses } from '../support/node-process.js';
import { PROGRAM, useRedis } from '../support/redis-nodes.js';
import { useTemporaryDirectories } from '../support/temporary-directory.js';

interface Verdict {
  readonly uncaught: readonly string[];
  /** In ms. */
  readonly longestTurn: number;
  readonly counts: Readonly<Record<string, number>>;
}

const EXPECTED = new Set([
  'ok',
  'HC_SERVER_UNREACHABLE',
  'HC_OUTCOME_UNKNOWN',
  'HC_STORAGE_FULL',
  'HC_LOCK_TIMEOUT',
  'HC_LOCK_LOST',
  'HC_LOCK_NOT_ACQUIRED',
]);

(PROGRAM === undefined ? describe.skip : describe)('A process whose server fails', () => {
  const cluster = useRedis();
  const start = useNodeProcesses();
  const directory = useTemporaryDirectories();
  const cli = (...args: string[]): string => cluster.server.cli(...args);

  it('ends by itself, although its node was never closed, and has made no file', async () => {
    const program = fileURLToPath(
      new URL('../support/programs/redis-unclosed.mjs', import.meta.url),
    );
    const cwd = directory();
    const run = promisify(execFile)(process.execPath, [program, cluster.server.url], {
      cwd,
      timeout: 10_000,
    });

    await expect(run).resolves.toMatchObject({ stdout: 'value false' });
    expect(readdirSync(cwd)).toEqual([]);
  });

  it('is neither ended nor blocked, and goes on', async () => {
    const { url } = cluster.server;
    const host = await start('redis-node', { options: {}, url });
    await host.ask('process', 'begin');
    const faults: (() => unknown)[] = [
      () => cli('CLIENT', 'KILL', 'TYPE', 'normal'),
      () => cli('SCRIPT', 'FLUSH'),
      () => cli('FLUSHALL'),
      () => cli('CONFIG', 'SET', 'maxmemory', '1'),
      () => cli('CONFIG', 'SET', 'maxmemory', '0'),
      () => cli('REPLICAOF', '127.0.0.1', '1'),
      () => cli('REPLICAOF', 'NO', 'ONE'),
      () => cluster.server.setClock(Date.now() - 3_600_000),
      () => cluster.server.setClock(0),
      () => cluster.server.signal('SIGSTOP'),
      () => cluster.server.signal('SIGCONT'),
      () => cluster.server.stop(),
      () => cluster.server.start(),
    ];
    for (let round = 0; round < campaign.factor; round++) {
      for (const fault of faults) {
        fault();
        await delay(150);
      }
    }
    await eventually(() => expect(cli('DBSIZE')).not.toBe('0'));

    const { value } = await host.ask<Verdict>('process', 'end');
    if (campaign.isReported) process.stderr.write(`${JSON.stringify(value)}\n`);
    expect(value.uncaught).toEqual([]);
    expect(value.longestTurn).toBeLessThan(500);
    for (const code of Object.keys(value.counts)) expect(Array.from(EXPECTED)).toContain(code);
    expect(value.counts['ok']).toBeGreaterThan(100);
    await host.finish();
  });
});
