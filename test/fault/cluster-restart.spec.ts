import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { campaign } from '../support/campaign.js';
import {
  digestOf,
  freePort,
  settled,
  statsOf,
  useProcessClusters,
  type Member,
} from '../support/cluster-processes.js';
import { eventually } from '../support/eventually.js';

const RESTARTS = 4 * campaign.factor;
const WRITERS = 16;
/** What every secondary has to achieve between two restarts. */
const ACKNOWLEDGED = 300;

interface Summary {
  readonly acknowledged: number;
  readonly increments: number;
  readonly unknown: number;
  readonly codes: readonly string[];
}

const acknowledgedBy = async ({ process }: Member): Promise<number> =>
  (await process.ask<number>('member', 'acknowledged')).value;

/** Resolves when every member has got more writes acknowledged. */
async function progressOf(members: readonly Member[]): Promise<void> {
  for (const member of members) {
    const before = await acknowledgedBy(member);
    await eventually(
      async () => expect(await acknowledgedBy(member)).toBeGreaterThan(before + ACKNOWLEDGED),
      { timeoutMs: 30_000 },
    );
  }
}

/** How many of the keys that a file lists, a line each, are not what they were set to. */
function countLost({ directory }: Member, list: string): number {
  const file = new Database(join(directory, 'hypercache.sqlite'), { readonly: true });
  try {
    const find = file
      .prepare(
        "SELECT value FROM entries WHERE key = ? AND namespace_id = (SELECT id FROM namespaces WHERE name = 'default')",
      )
      .pluck();
    const keys = readFileSync(list, 'utf8').split('\n');
    return keys.filter((key) => find.get(key) !== key).length;
  } finally {
    file.close();
  }
}

describe('A primary that is restarted under load', () => {
  const clusters = useProcessClusters();

  it(
    'leaves every acknowledged write on all nodes, and the secondaries go on by themselves',
    async () => {
      const port = await freePort();
      const home = clusters.directory();
      let primary = await clusters.primary(port, home);
      const secondaries = await Promise.all(
        ['first', 'second', 'third'].map((name) => clusters.secondary(name, port)),
      );
      for (const { process } of secondaries) await process.ask('member', 'write', WRITERS);
      const pauses: number[] = [];
      for (let restart = 0; restart < RESTARTS; restart++) {
        await progressOf(secondaries);
        if (restart % 2 === 0) await primary.process.finish();
        else await primary.process.kill();
        primary = await clusters.primary(port, home);
        const startedAt = performance.now();
        await progressOf(secondaries);
        pauses.push(performance.now() - startedAt);
      }
      const logs = clusters.directory();
      const summaries = new Map<string, Summary>();
      for (const { name, process } of secondaries) {
        const answer = await process.ask<Summary>('member', 'endWriting', join(logs, name));
        summaries.set(name, answer.value);
      }
      await settled(primary, secondaries);
      const lost = [primary, ...secondaries].flatMap((member) =>
        secondaries.map(({ name }) => countLost(member, join(logs, name))),
      );
      const all = Array.from(summaries.values());
      const total = (count: (summary: Summary) => number): number =>
        all.reduce((sum, summary) => sum + count(summary), 0);
      const { epoch } = await statsOf(primary);
      const snapshots = await Promise.all(
        secondaries.map(async (member) => (await statsOf(member)).replica?.snapshots),
      );
      if (campaign.isReported) {
        const report = {
          restarts: RESTARTS,
          epoch,
          acknowledged: total(({ acknowledged }) => acknowledged),
          refused: new Set(all.flatMap(({ codes }) => codes)),
          snapshots,
          slowestRecoveryMs: Math.round(Math.max(...pauses)),
        };
        process.stderr.write(
          `restarts: ${JSON.stringify(report, (_key, value: unknown) => (value instanceof Set ? Array.from(value) : value))}\n`,
        );
      }

      expect(lost).toEqual(lost.map(() => 0));
      const after = Date.now();
      const digests = [primary, ...secondaries].map((member) => digestOf(member, after).digest);
      expect(new Set(digests).size).toBe(1);
      // Of an increment whose answer was lost nobody knows whether it was done.
      const counted = (await primary.process.ask<number>('cache', 'get', 'counter')).value;
      const certain = total(({ increments }) => increments);
      expect(counted).toBeGreaterThanOrEqual(certain);
      expect(counted).toBeLessThanOrEqual(certain + total(({ unknown }) => unknown));
      expect(snapshots).toEqual([1, 1, 1]);
      for (const { process } of secondaries) expect(process.isRunning).toBe(true);
    },
    60_000 + campaign.factor * 120_000,
  );
});
