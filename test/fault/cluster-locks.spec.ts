import { afterEach, describe, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { campaign } from '../support/campaign.js';
import { freePort, useProcessClusters, type Member } from '../support/cluster-processes.js';
import { eventually } from '../support/eventually.js';
import { TcpProxy, type NetworkFault } from '../support/tcp-proxy.js';

/** How long each fault lasts. */
const FAULT_MS = 700 * campaign.factor;

const TIMEOUT_MS = 300;

/** Grants that a node has to get before the next thing happens. */
const PROGRESS = 2;

const FAULTS: readonly (readonly [what: string, fault: NetworkFault])[] = [
  ['resets connections', { kind: 'cut' }],
  ['is slow', { kind: 'delay', ms: 20 }],
  ['is slower than requests wait', { kind: 'delay', ms: TIMEOUT_MS }],
  ['lets connections overtake each other', { kind: 'uneven', mostMs: 2 * TIMEOUT_MS }],
  ['swallows everything', { kind: 'halfOpen' }],
  ['loses all answers', { kind: 'oneWay', to: 'primary' }],
  ['loses all requests', { kind: 'oneWay', to: 'secondary' }],
  ['repeats requests', { kind: 'duplicate', share: 0.5 }],
  ['breaks off in the middle', { kind: 'killInside', share: 0.05 }],
];

type Held = readonly [token: number, from: number, until: number];

interface Summary {
  readonly held: readonly Held[];
  readonly codes: Readonly<Record<string, number>>;
}

/** Resolves when every member has been granted the lock some more times. */
async function progressOf(members: readonly Member[]): Promise<void> {
  const count = async ({ process }: Member): Promise<number> =>
    (await process.ask<number>('member', 'grants')).value;
  await Promise.all(
    members.map(async (member) => {
      const before = await count(member);
      await eventually(
        async () => expect(await count(member)).toBeGreaterThanOrEqual(before + PROGRESS),
        { timeoutMs: 30_000 },
      );
    }),
  );
}

/** What of it no lock allows: two holders at a time, or a token that is not larger than those before. */
function violations(held: readonly Held[]): string[] {
  const found: string[] = [];
  const inOrder = held.toSorted(([, one], [, other]) => one - other);
  for (const [i, [token, from]] of inOrder.entries()) {
    const [before, , until] = inOrder[i - 1] ?? [0, 0, 0];
    if (from < until) found.push(`${before} was held until ${until}, ${token} from ${from}`);
    if (token <= before) found.push(`${token} was given after ${before}`);
  }
  return found;
}

describe('A lock of a primary and two secondaries, whose network', () => {
  const clusters = useProcessClusters();
  const proxies: TcpProxy[] = [];
  afterEach(async () => {
    for (const proxy of proxies.splice(0)) await proxy.close();
  });

  it(
    'fails in every way for a while, has one holder at a time, and tokens that grow',
    async () => {
      const port = await freePort();
      const primary = await clusters.primary(port);
      const proxy = await TcpProxy.open(port, campaign.seed);
      proxies.push(proxy);
      const members = [primary];
      for (const name of ['first', 'second']) {
        members.push(await clusters.secondary(name, proxy.port, { timeout: TIMEOUT_MS }));
      }
      let last = 0;
      for (const [what, fault] of FAULTS) {
        for (const { process } of members) await process.ask('member', 'beginLocking');
        await progressOf(members);
        await proxy.begin(fault);
        await delay(FAULT_MS);
        await proxy.heal();
        await progressOf(members);
        const summaries = await Promise.all(
          members.map(
            async ({ process }) => (await process.ask<Summary>('member', 'endLocking')).value,
          ),
        );
        const held = summaries.flatMap((summary) => summary.held);
        if (campaign.isReported) {
          const grants = summaries.map((summary) => summary.held.length);
          const codes = summaries.map((summary) => summary.codes);
          const { duplicates } = proxy;
          process.stderr.write(`${what}: ${JSON.stringify({ grants, duplicates, codes })}\n`);
        }

        expect({ what, violations: violations(held) }).toEqual({ what, violations: [] });
        const tokens = held.map(([token]) => token);
        expect(Math.min(...tokens)).toBeGreaterThan(last);
        last = Math.max(...tokens);
      }
      expect(proxy.duplicates).toBeGreaterThan(0);
    },
    60_000 + 4 * FAULTS.length * FAULT_MS,
  );
});
