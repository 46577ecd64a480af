import { describe, expect, it } from '@jest/globals';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../../lib/common/clock.js';
import { seededRandom } from '../../sample/01-single-node/src/replay/seeded-random.js';
import { campaign } from '../support/campaign.js';
import { readHistories } from '../support/history.js';
import { checkEachKey, type Operation } from '../support/linearizability.js';
import { entryModel, type EntryInput, type EntryOutput } from '../support/models/entry-model.js';
import {
  leaseModel,
  withUnnoticedGrants,
  type LeaseInput,
  type LeaseOutput,
} from '../support/models/lease-model.js';
import { useNodeProcesses, type NodeProcess } from '../support/node-process.js';
import { useTemporaryDirectories } from '../support/temporary-directory.js';

const ROUNDS = 4 * campaign.factor;
const PROCESSES = 4;
const ROUND_MS = 2500;

describe('Four processes on one file, killed and replaced at random', () => {
  const start = useNodeProcesses();
  const directory = useTemporaryDirectories();

  /** Returns where the histories are, and when each process was gone. */
  async function runRound(
    seed: number,
  ): Promise<{ logs: string; endedAt: (process: number) => number }> {
    const random = seededRandom(seed);
    const home = directory();
    const logs = join(home, 'logs');
    mkdirSync(logs);
    const ends = new Map<number, number>();
    let started = 0;
    const launch = async (): Promise<[number, NodeProcess]> => {
      const number = ++started;
      const child = await start('history', {
        options: { sqlitePath: join(home, 'cache'), l1: false, ttl: 0 },
        seed: seed * 100 + number,
        number,
        prefix: `p${number}-`,
        log: join(logs, `${number}.jsonl`),
        readKeys: ['read-1', 'read-2', 'read-3'],
        strictKeys: ['strict-1', 'strict-2'],
        locks: ['lock-1', 'lock-2', 'lock-3'],
        clients: 2,
      });
      child.send('go');
      return [number, child];
    };
    const running = await Promise.all(Array.from({ length: PROCESSES }, launch));
    const end = performance.now() + ROUND_MS;
    while (performance.now() < end) {
      await delay(100 + random() * 500);
      const place = Math.floor(random() * PROCESSES);
      const [number, victim] = running[place] ?? (await launch());
      await victim.kill();
      ends.set(number, systemClock.monotonic());
      running[place] = await launch();
    }
    await Promise.all(running.map(([, child]) => child.finish()));
    return { logs, endedAt: (process) => ends.get(process) ?? Infinity };
  }

  it.each(Array.from({ length: ROUNDS }, (_, i) => campaign.seed + i))(
    'do to entries and locks what one process could have done, seed %d',
    async (seed) => {
      const { logs, endedAt } = await runRound(seed);

      const entries = readHistories<EntryInput, EntryOutput>(logs, 'entry', endedAt);
      const leases = readHistories<LeaseInput, LeaseOutput>(logs, 'lease', endedAt);
      report(seed, entries, leases);
      expect(answered(entries)).toBeGreaterThan(500);
      expect(answered(leases)).toBeGreaterThan(100);
      expect(checkEachKey(entryModel, entries)).toEqual(new Map());
      for (const [name, history] of leases) leases.set(name, withUnnoticedGrants(history));
      expect(checkEachKey(leaseModel, leases)).toEqual(new Map());
    },
    60_000,
  );
});

type Histories = ReadonlyMap<string, readonly Operation<unknown, unknown>[]>;

function answered(histories: Histories): number {
  const operations = Array.from(histories.values()).flat();
  return operations.filter(({ output }) => output !== undefined).length;
}

function report(seed: number, ...all: Histories[]): void {
  if (!campaign.isReported) return;
  const counts = all.map((histories) => {
    const operations = Array.from(histories.values()).flat().length;
    return `${operations} operations, ${operations - answered(histories)} without an answer`;
  });
  process.stderr.write(`seed ${seed}: entries ${counts[0]}; locks ${counts[1]}\n`);
}
