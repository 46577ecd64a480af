import { describe, expect, it } from '@jest/globals';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { seededRandom } from '../../sample/01-single-node/src/replay/seeded-random.js';
import { campaign } from '../support/campaign.js';
import { linesOf } from '../support/history.js';
import { useNodeProcesses, type NodeProcess } from '../support/node-process.js';
import { useTemporaryDirectories } from '../support/temporary-directory.js';

const ROUNDS = campaign.factor;
const PROCESSES = 4;
const ACQUIRERS = 10_000;
const NAMES = 100;
const KILLS = 6;
const TTL = 500;

/** What the program `acquirers` writes down: when it has a lock, before it gives it back, and after. Monotonic ms. */
interface GrantLine {
  readonly acquirer: number;
  readonly name: string;
  readonly token: number;
  readonly askedAt: number;
  readonly grantedAt: number;
  readonly endsAt: number;
}
interface ReleaseLine {
  readonly acquirer: number;
  readonly releasedAt: number;
}
interface ReleasedLine {
  readonly acquirer: number;
  readonly isReleased: boolean;
  readonly answeredAt: number;
}

/** A process counts on its lock until it asks for the release, or the lease ends. */
interface Hold extends GrantLine {
  readonly until: number;
  /** Whether the release was refused although the lease had not ended. */
  readonly isRobbed: boolean;
}

function holdsIn(logs: string): Hold[] {
  const lines = readdirSync(logs).flatMap((file) =>
    linesOf<GrantLine | ReleaseLine | ReleasedLine>(join(logs, file)),
  );
  const releases = new Map<number, number>();
  const refusals = new Map<number, number>();
  for (const line of lines) {
    if ('releasedAt' in line) releases.set(line.acquirer, line.releasedAt);
    if ('isReleased' in line && !line.isReleased) refusals.set(line.acquirer, line.answeredAt);
  }
  return lines.flatMap((line) => {
    if (!('token' in line)) return [];
    const { acquirer, endsAt } = line;
    const until = Math.min(endsAt, releases.get(acquirer) ?? Infinity);
    return [{ ...line, until, isRobbed: Number(refusals.get(acquirer)) < endsAt }];
  });
}

function byName(holds: readonly Hold[]): Hold[][] {
  const names = new Map<string, Hold[]>();
  for (const hold of holds) names.set(hold.name, (names.get(hold.name) ?? []).concat(hold));
  return Array.from(names.values(), (list) => list.toSorted((a, b) => a.grantedAt - b.grantedAt));
}

describe(`${ACQUIRERS} at once for ${NAMES} locks, in four processes that are killed at random`, () => {
  const start = useNodeProcesses();
  const directory = useTemporaryDirectories();

  async function runRound(seed: number): Promise<{ kills: number; holds: Hold[] }> {
    const random = seededRandom(seed);
    const home = directory();
    const logs = join(home, 'logs');
    mkdirSync(logs);
    let started = 0;
    let kills = 0;
    const launch = async (acquirers: readonly number[]): Promise<Running> => {
      const log = join(logs, `${++started}.jsonl`);
      const child = await start('acquirers', {
        options: { sqlitePath: join(home, 'cache') },
        log,
        acquirers,
        names: NAMES,
        ttl: TTL,
        maxHoldMs: 2,
      });
      child.send('go');
      return { child, acquirers, log };
    };
    const running = await Promise.all(
      Array.from({ length: PROCESSES }, (_, i) =>
        launch(Array.from({ length: ACQUIRERS / PROCESSES }, (_v, k) => k * PROCESSES + i)),
      ),
    );
    for (let kill = 0; kill < KILLS; kill++) {
      await delay(50 + random() * 200);
      const place = Math.floor(random() * PROCESSES);
      const victim = running[place];
      if (victim?.child.isRunning !== true) continue;
      await victim.child.kill();
      kills++;
      const served = new Set(linesOf<GrantLine>(victim.log).map(({ acquirer }) => acquirer));
      running[place] = await launch(victim.acquirers.filter((one) => !served.has(one)));
    }
    await Promise.all(running.map(({ child }) => child.ended()));
    expect(kills).toBeGreaterThan(0);
    return { kills, holds: holdsIn(logs) };
  }

  it.each(Array.from({ length: ROUNDS }, (_, i) => campaign.seed + i))(
    'are all served, one at a time, with growing tokens, and none waits for long, seed %d',
    async (seed) => {
      const { kills, holds } = await runRound(seed);

      expect(new Set(holds.map(({ acquirer }) => acquirer)).size).toBe(ACQUIRERS);
      const overlaps: unknown[] = [];
      for (const list of byName(holds)) {
        for (const [i, next] of list.entries()) {
          const last = list[i - 1];
          if (last === undefined) continue;
          if (last.until > next.grantedAt || last.token >= next.token)
            overlaps.push({ last, next });
        }
      }
      expect(overlaps).toEqual([]);
      expect(holds.filter(({ isRobbed }) => isRobbed)).toEqual([]);
      const waits = holds
        .map(({ askedAt, grantedAt }) => grantedAt - askedAt)
        .toSorted((a, b) => a - b);
      const median = waits[waits.length >> 1] ?? NaN;
      const longest = waits.at(-1) ?? NaN;
      if (campaign.isReported) {
        process.stderr.write(
          `seed ${seed}: ${kills} kills, ${holds.length} grants, wait median ${median.toFixed()} ms, longest ${longest.toFixed()} ms (${(longest / median).toFixed(2)}x)\n`,
        );
      }
      expect(longest / median).toBeLessThanOrEqual(5);
    },
    120_000,
  );
});

interface Running {
  readonly child: NodeProcess;
  readonly acquirers: readonly number[];
  readonly log: string;
}
