import { describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { seededRandom } from '../../sample/01-single-node/src/replay/seeded-random.js';
import { campaign } from '../support/campaign.js';
import { useNodeProcesses, type NodeProcess } from '../support/node-process.js';
import { useTemporaryDirectories } from '../support/temporary-directory.js';
import { judgeJournals } from '../support/worker-journals.js';

const WORKERS = 4;
const RUN_MS = 4000 * campaign.factor;
const INTERVAL_MS = 10;
const MOST_STALL_MS = 300;

interface Summary {
  readonly performed: Readonly<Record<string, number>>;
  readonly codes: Readonly<Record<string, number>>;
  readonly stallMs: number;
  readonly stallP99Ms: number;
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

describe('Workers on one file', () => {
  const startProgram = useNodeProcesses();
  const directory = useTemporaryDirectories();

  function host() {
    const home = directory();
    const logs = directory();
    const files: string[] = [];
    const start = async (): Promise<NodeProcess> => {
      const name = `w${files.length}`;
      const log = join(logs, `${name}.jsonl`);
      files.push(log);
      const plan = { keys: 20, counters: 5, concurrency: 8, seed: campaign.seed + files.length };
      return startProgram('worker', { options: { sqlitePath: home }, name, log, plan });
    };
    return { start, files };
  }

  async function countersOf(worker: NodeProcess, names: Iterable<string>): Promise<object> {
    const keys = Array.from(names);
    const { value } = await worker.ask<number[]>('cache', 'mget', keys);
    return Object.fromEntries(keys.map((key, i) => [key, value[i]]));
  }

  it(
    'count exactly, share the work, hold no loop, and see each other within the interval',
    async () => {
      const { start, files } = host();
      const workers = await Promise.all(Array.from({ length: WORKERS }, start));
      const summaries = await Promise.all(
        workers.map(async (worker) => (await worker.ask<Summary>('process', 'run', RUN_MS)).value),
      );
      const { confirmed, staleness, unknown } = await judgeJournals(files);
      const [first] = workers;
      const work = summaries.map(({ performed }) =>
        Object.values(performed).reduce((sum, count) => sum + count, 0),
      );
      const longestTurn = Math.max(...summaries.map(({ stallMs }) => stallMs));
      const report = {
        seconds: RUN_MS / 1000,
        work,
        stallMs: summaries.map(({ stallMs }) => Math.round(stallMs)),
        stallP99Ms: summaries.map(({ stallP99Ms }) => Math.round(stallP99Ms)),
        staleReads: staleness.length,
        stalenessMs: { p99: percentile(staleness, 0.99), max: Math.max(0, ...staleness) },
      };
      if (campaign.isReported) process.stderr.write(`workers: ${JSON.stringify(report)}\n`);

      expect(summaries.map(({ codes }) => codes)).toEqual(summaries.map(() => ({})));
      expect(unknown).toBe(0);
      if (first !== undefined) {
        await expect(countersOf(first, confirmed.keys())).resolves.toEqual(
          Object.fromEntries(confirmed),
        );
      }
      expect(Math.min(...work) / Math.max(...work)).toBeGreaterThanOrEqual(0.5);
      expect(longestTurn).toBeLessThan(MOST_STALL_MS);
      // A turn of a loop that is held up begins with a look, and ends later.
      expect(report.stalenessMs.p99).toBeLessThanOrEqual(INTERVAL_MS + longestTurn);
      const entries = await Promise.all(
        workers.map(async (worker) => (await worker.ask<{ l2: object }>('node', 'stats')).value.l2),
      );
      const kept = entries.map((l2) => ('entries' in l2 ? l2.entries : undefined));
      expect(new Set(kept).size).toBe(1);
    },
    60_000 + campaign.factor * 10_000,
  );

  it(
    'of which some are killed at any moment lose nothing and count nothing twice',
    async () => {
      const { start, files } = host();
      const random = seededRandom(campaign.seed);
      const workers = await Promise.all(Array.from({ length: WORKERS }, start));
      const until = performance.now() + RUN_MS;
      const codes: object[] = [];
      const begin = (worker: NodeProcess): Promise<void> =>
        worker.ask<Summary>('process', 'run', until - performance.now()).then(
          ({ value }) => void codes.push(value.codes),
          // It was killed.
          () => undefined,
        );
      const running = workers.map(begin);
      let kills = 0;
      while (performance.now() < until - 1000) {
        await delay(200 + random() * 600);
        const victim = Math.floor(random() * WORKERS);
        await workers[victim]?.kill();
        kills++;
        workers[victim] = await start();
        running.push(begin(workers[victim]));
      }
      await Promise.all(running);
      const last = await start();
      const { attempts, confirmed, staleness } = await judgeJournals(files);
      const values = (await countersOf(last, attempts.keys())) as Record<string, number>;
      const report = { kills, staleness: staleness.length, max: Math.max(0, ...staleness) };
      if (campaign.isReported) process.stderr.write(`killed workers: ${JSON.stringify(report)}\n`);

      expect(codes.filter((code) => Object.keys(code).length > 0)).toEqual([]);
      for (const [key, tried] of attempts) {
        expect(values[key]).toBeGreaterThanOrEqual(confirmed.get(key) ?? 0);
        expect(values[key]).toBeLessThanOrEqual(tried);
      }
      expect(report.max).toBeLessThan(MOST_STALL_MS);
    },
    60_000 + campaign.factor * 10_000,
  );

  it('open and migrate a fresh file at once', async () => {
    const { start } = host();
    const workers = await Promise.all(Array.from({ length: 8 }, start));
    await Promise.all(workers.map((worker) => worker.ask('cache', 'increment', 'all')));
    const [first] = workers;

    await expect(first?.ask('cache', 'get', 'all')).resolves.toMatchObject({ value: 8 });
  });
});
