import { describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { campaign } from '../support/campaign.js';
import { digestOf, freePort, settled, useProcessClusters } from '../support/cluster-processes.js';
import { judgeHistories } from '../support/session-guarantees.js';

/** Of all nodes together. */
const OPERATIONS = 20_000 * campaign.factor;
const KEYS = 100;
const WORKERS = 32;
/** Processes of each host. */
const PROCESSES = 3;

/** However busy the machine is, no write fails. */
const PATIENCE_MS = 60_000;

/** No entry of the run expires between this and its end, unless it has by now. */
const EXPIRY_MARGIN_MS = 5000;

interface Summary {
  readonly ms: number;
  readonly increments: Readonly<Record<string, number>>;
  readonly locked: number;
  readonly performed: Readonly<Record<string, number>>;
  readonly codes: Readonly<Record<string, number>>;
}

function sumOf(records: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const record of records) {
    for (const [name, count] of Object.entries(record)) sums[name] = (sums[name] ?? 0) + count;
  }
  return sums;
}

describe('Two hosts with three processes each', () => {
  const clusters = useProcessClusters();

  it.each([
    ['synchronous', false],
    ['asynchronous', true],
  ])(
    'hold the same after all verbs from all of them at once, and none has ever gone back: %s writes',
    async (_kind, asyncRequests) => {
      const homes = { primary: clusters.directory(), secondary: clusters.directory() };
      const numbers = Array.from({ length: PROCESSES }, (_, i) => i);
      const ports = await Promise.all(numbers.map(() => freePort()));
      const primaries = await Promise.all(
        ports.map((port, i) =>
          clusters.primary(port, homes.primary, undefined, {}, `primary-${i}`),
        ),
      );
      // Behind one port a balancer would spread the connections in the same way.
      const secondaries = await Promise.all(
        ports.map((port, i) =>
          clusters.secondary(
            `secondary-${i}`,
            port,
            { timeout: PATIENCE_MS, asyncRequests },
            homes.secondary,
          ),
        ),
      );
      const members = [...primaries, ...secondaries];
      const [primary] = primaries;
      if (primary === undefined) throw new Error('There is no primary.');
      const logs = clusters.directory();
      const files = new Map(members.map(({ name }) => [name, join(logs, `${name}.jsonl`)]));
      const startedAt = performance.now();
      const summaries = await Promise.all(
        members.map(async ({ name, process }, i) => {
          const plan = {
            operations: OPERATIONS / members.length,
            workers: WORKERS,
            keys: KEYS,
            file: files.get(name),
            seed: campaign.seed + i,
          };
          return (await process.ask<Summary>('member', 'mixedRun', plan)).value;
        }),
      );
      const ms = performance.now() - startedAt;
      const revision = await settled(primary, secondaries);
      const after = Date.now() + EXPIRY_MARGIN_MS;
      const digests = members.map((member) => digestOf(member, after));
      const judgement = await judgeHistories(files);
      const performed = sumOf(summaries.map((summary) => summary.performed));
      if (campaign.isReported) {
        const report = {
          operations: OPERATIONS,
          seconds: Math.round(ms / 1000),
          revision,
          rows: digests[0]?.rows,
          reads: judgement.reads,
          placed: judgement.placed,
          violations: judgement.violations.length,
          performed,
        };
        process.stderr.write(`mixed run of workers: ${JSON.stringify(report)}\n`);
      }

      expect(sumOf(summaries.map(({ codes }) => codes))).toEqual({});
      expect(judgement.violations.slice(0, 10)).toEqual([]);
      expect(judgement.placed).toBeGreaterThan(OPERATIONS / 10);
      expect(new Set(digests.map(({ digest }) => digest)).size).toBe(1);
      expect(digests[0]?.rows).toBeGreaterThan(KEYS);
      const increments = sumOf(summaries.map((summary) => summary.increments));
      const locked = summaries.reduce((sum, summary) => sum + summary.locked, 0);
      for (const { process } of members) {
        const { value } = await process.ask<number[]>('cache', 'mget', Object.keys(increments));
        expect(value).toEqual(Object.values(increments));
        const names = ['lock0', 'lock1', 'lock2'].map((name) => `locked-${name}`);
        const counts = await process.ask<(number | undefined)[]>('cache', 'mget', names);
        expect(counts.value.reduce<number>((sum, count) => sum + (count ?? 0), 0)).toBe(locked);
      }
    },
    60_000 + campaign.factor * 60_000,
  );
});
