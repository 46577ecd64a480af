import { describe, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { seededRandom } from '../../sample/01-single-node/src/replay/seeded-random.js';
import type { HyperCacheOptions } from '../../lib/node/options.js';
import { campaign } from '../support/campaign.js';
import {
  freePort,
  settled,
  statsOf,
  useProcessClusters,
  type Member,
} from '../support/cluster-processes.js';
import { eventually } from '../support/eventually.js';
import { beginWriting, endWriting, judge, progressOf } from '../support/one-truth.js';

const ROUNDS = 6 * campaign.factor;
const BLOCKED_ROUNDS = 2 * campaign.factor;
const SMALL_OUTBOX = { outboxMaxEntries: 3, outboxFull: 'block' } as const;
/** Everything is judged after so many rounds, and at the end. */
const JUDGED = 3;
/** The most that the nodes write before one of them is killed, in ms. */
const RUN_MS = 300;
const LEFT_BEHIND = 2000;

const NAMES = ['primary', 'waiting', 'accepting'] as const;
type Name = (typeof NAMES)[number];

describe('A primary and two secondaries', () => {
  const clusters = useProcessClusters();

  async function start(accepting: HyperCacheOptions = {}) {
    const port = await freePort();
    const homes = { primary: '', waiting: '', accepting: '' };
    for (const name of NAMES) homes[name] = clusters.directory();
    const startMember = (name: Name): Promise<Member> =>
      name === 'primary'
        ? clusters.primary(port, homes.primary)
        : clusters.secondary(
            name,
            port,
            name === 'accepting' ? { asyncRequests: true, ...accepting } : {},
            homes[name],
          );
    const members = {
      primary: await startMember('primary'),
      waiting: await startMember('waiting'),
      accepting: await startMember('accepting'),
    };
    return { members, startMember, logs: clusters.directory() };
  }

  it.each<readonly [what: string, rounds: number, accepting: HyperCacheOptions]>([
    ['', ROUNDS, {}],
    [', with writes that wait for room', BLOCKED_ROUNDS, SMALL_OUTBOX],
  ])(
    'of which one is killed at any moment hold the same afterwards, and what they were told is true%s',
    async (_what, rounds, accepting) => {
      const { members, startMember, logs } = await start(accepting);
      const random = seededRandom(campaign.seed);
      const all = (): Member[] => NAMES.map((name) => members[name]);
      const seen: string[] = [];
      let run = 1;
      await beginWriting(all(), logs, run);
      for (let round = 1; round <= rounds; round++) {
        await progressOf(all());
        await delay(random() * RUN_MS);
        const victim = NAMES[Math.floor(random() * NAMES.length)] ?? 'primary';
        await members[victim].process.kill();
        await delay(random() * RUN_MS);
        members[victim] = await startMember(victim);
        await beginWriting([members[victim]], logs, ++run);
        if (round % JUDGED > 0 && round < rounds) continue;

        await progressOf(all());
        seen.push(...(await endWriting(all())));
        await settled(members.primary, [members.waiting, members.accepting]);
        const { wrong, ...report } = await judge(members.primary, all(), logs);
        if (campaign.isReported) {
          process.stderr.write(`killed ${round} times: ${JSON.stringify(report)}\n`);
        }
        expect({ round, seen, wrong }).toEqual({ round, seen: [], wrong: [] });
        await beginWriting(all(), logs, ++run);
      }
    },
    60_000 + ROUNDS * 10_000,
  );

  it('one of which is killed with a full outbox gets all of it when both are back', async () => {
    const { members, startMember } = await start();
    await members.primary.process.kill();
    const keys = Array.from({ length: LEFT_BEHIND }, (_, i) => `left/${i}`);
    await Promise.all(
      keys.map((key) => members.accepting.process.ask('cache', 'set', key, { key })),
    );
    await members.accepting.process.kill();
    members.accepting = await startMember('accepting');

    expect(await statsOf(members.accepting)).toMatchObject({ outbox: { entries: LEFT_BEHIND } });
    members.primary = await startMember('primary');
    await eventually(async () =>
      expect(await statsOf(members.accepting)).toMatchObject({ outbox: { entries: 0 } }),
    );
    for (const { process } of [members.primary, members.accepting]) {
      const { value } = await process.ask<unknown[]>('cache', 'mget', keys);
      expect(value).toEqual(keys.map((key) => ({ key })));
    }
  });
});
