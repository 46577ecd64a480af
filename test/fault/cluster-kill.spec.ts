import { describe, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { seededRandom } from '../../sample/01-single-node/src/replay/seeded-random.js';
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
/** Everything is judged after so many rounds, and at the end. */
const JUDGED = 3;
/** The most that the nodes write before one of them is killed, in ms. */
const RUN_MS = 300;
const LEFT_BEHIND = 2000;

const NAMES = ['primary', 'waiting', 'accepting'] as const;
type Name = (typeof NAMES)[number];

describe('A primary and two secondaries', () => {
  const clusters = useProcessClusters();

  async function start() {
    const port = await freePort();
    const homes = { primary: '', waiting: '', accepting: '' };
    for (const name of NAMES) homes[name] = clusters.directory();
    const startMember = (name: Name): Promise<Member> =>
      name === 'primary'
        ? clusters.primary(port, homes.primary)
        : clusters.secondary(name, port, { asyncRequests: name === 'accepting' }, homes[name]);
    const members = {
      primary: await startMember('primary'),
      waiting: await startMember('waiting'),
      accepting: await startMember('accepting'),
    };
    return { members, startMember, logs: clusters.directory() };
  }

  it(
    'of which one is killed at any moment hold the same afterwards, and what they were told is true',
    async () => {
      const { members, startMember, logs } = await start();
      const random = seededRandom(campaign.seed);
      const all = (): Member[] => NAMES.map((name) => members[name]);
      const seen: string[] = [];
      let run = 1;
      await beginWriting(all(), logs, run);
      for (let round = 1; round <= ROUNDS; round++) {
        await progressOf(all());
        await delay(random() * RUN_MS);
        const victim = NAMES[Math.floor(random() * NAMES.length)] ?? 'primary';
        await members[victim].process.kill();
        await delay(random() * RUN_MS);
        members[victim] = await startMember(victim);
        await beginWriting([members[victim]], logs, ++run);
        if (round % JUDGED > 0 && round < ROUNDS) continue;

        await progressOf(all());
        seen.push(...(await endWriting(all())));
        const { primary, waiting, accepting } = members;
        await settled(primary, [waiting, accepting]);
        const { wrong, ...report } = await judge(primary, all(), logs);
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
