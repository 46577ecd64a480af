import { describe, expect, it } from '@jest/globals';
import { campaign } from '../support/campaign.js';
import {
  freePort,
  statsOf,
  useProcessClusters,
  type Member,
} from '../support/cluster-processes.js';
import { eventually } from '../support/eventually.js';

const CALLERS = 1000;
/** How long the right to call a factory outlives its node, in ms. */
const LEASE_MS = 2000;
/** For the notice of the end, the next factory and a busy machine. */
const MARGIN_MS = 2000;

interface Answer {
  readonly calls: number;
  readonly values: readonly string[];
}

describe('wrap on three applications', () => {
  const clusters = useProcessClusters();

  async function start(): Promise<[Member, Member, Member]> {
    const port = await freePort();
    const primary = await clusters.primary(port);
    return [
      primary,
      await clusters.secondary('first', port),
      await clusters.secondary('second', port),
    ];
  }

  it('calls one factory for a thousand callers', async () => {
    const members = await start();
    for (const round of [1, 2, 3, 4, 5]) {
      const options = { callers: Math.ceil(CALLERS / 3), factoryMs: 20 };
      const answers = await Promise.all(
        members.map(async ({ process }) => {
          const answer = await process.ask<Answer>('member', 'wrapMany', `key-${round}`, options);
          return answer.value;
        }),
      );

      expect(answers.reduce((sum, { calls }) => sum + calls, 0)).toBe(1);
      expect(new Set(answers.flatMap(({ values }) => values)).size).toBe(1);
    }
  });

  it('calls the factory of another node within the lease when the first is killed', async () => {
    const [primary, first, second] = await start();
    const endless = { callers: 300, factoryMs: 600_000, announces: true };
    const options = { callers: 300, factoryMs: 10 };
    const abandoned = first.process.ask('member', 'wrapMany', 'key', endless);
    abandoned.catch(() => undefined);
    await eventually(() => expect(first.process.aborts).toHaveLength(1));
    const waiting = [primary, second].map(({ process }) =>
      process.ask<Answer>('member', 'wrapMany', 'key', options),
    );
    await eventually(async () => expect((await statsOf(primary)).lockWaiters).toBe(2));
    const startedAt = performance.now();
    await first.process.kill();
    const answers = (await Promise.all(waiting)).map(({ value }) => value);
    const ms = performance.now() - startedAt;
    if (campaign.isReported)
      process.stderr.write(`factory taken over after ${Math.round(ms)} ms\n`);

    await expect(abandoned).rejects.toThrow('ended');
    expect(answers.reduce((sum, { calls }) => sum + calls, 0)).toBe(1);
    expect(new Set(answers.flatMap(({ values }) => values)).size).toBe(1);
    expect(ms).toBeLessThan(LEASE_MS + MARGIN_MS);
  });
});
