import { afterEach, describe, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { campaign } from '../support/campaign.js';
import { freePort, settled, useProcessClusters } from '../support/cluster-processes.js';
import { beginWriting, endWriting, judge, progressOf } from '../support/one-truth.js';
import { TcpProxy, type NetworkFault } from '../support/tcp-proxy.js';

/** How long each fault lasts. */
const FAULT_MS = 700 * campaign.factor;

/** Short, so that requests give up within a fault. */
const TIMEOUT_MS = 300;

const FAULTS: readonly (readonly [what: string, fault: NetworkFault])[] = [
  ['refuses connections', { kind: 'away' }],
  ['resets connections', { kind: 'cut' }],
  ['is slow', { kind: 'delay', ms: 20 }],
  ['is slower than requests wait', { kind: 'delay', ms: TIMEOUT_MS }],
  ['lets connections overtake each other', { kind: 'uneven', mostMs: 2 * TIMEOUT_MS }],
  ['swallows everything', { kind: 'halfOpen' }],
  ['loses all answers', { kind: 'oneWay', to: 'primary' }],
  ['loses all requests', { kind: 'oneWay', to: 'secondary' }],
  ['is narrow', { kind: 'throttle', bytesPerSecond: 20_000 }],
  ['repeats requests', { kind: 'duplicate', share: 0.5 }],
  ['breaks off in the middle', { kind: 'killInside', share: 0.05 }],
];

describe('A primary and two secondaries, whose network', () => {
  const clusters = useProcessClusters();
  const proxies: TcpProxy[] = [];
  afterEach(async () => {
    for (const proxy of proxies.splice(0)) await proxy.close();
  });

  async function start(seed: number) {
    const port = await freePort();
    const primary = await clusters.primary(port);
    const proxy = await TcpProxy.open(port, seed);
    proxies.push(proxy);
    const waiting = await clusters.secondary('waiting', proxy.port, { timeout: TIMEOUT_MS });
    const accepting = await clusters.secondary('accepting', proxy.port, {
      timeout: TIMEOUT_MS,
      asyncRequests: true,
    });
    const logs = clusters.directory();
    const members = [primary, waiting, accepting];
    return { primary, secondaries: [waiting, accepting], members, proxy, logs };
  }

  it(
    'fails in every way for a while, hold the same afterwards, and what they were told is true',
    async () => {
      const { primary, secondaries, members, proxy, logs } = await start(campaign.seed);
      let run = 0;
      for (const [what, fault] of FAULTS) {
        await beginWriting(members, logs, ++run);
        await progressOf(members);
        await proxy.begin(fault);
        await delay(FAULT_MS);
        await proxy.heal();
        const healedAt = performance.now();
        await progressOf(members);
        const recoveryMs = Math.round(performance.now() - healedAt);
        const seen = await endWriting(members);
        await settled(primary, secondaries);
        const { wrong, ...report } = await judge(primary, members, logs);
        if (campaign.isReported) {
          const { duplicates } = proxy;
          process.stderr.write(
            `${what}: ${JSON.stringify({ recoveryMs, duplicates, ...report })}\n`,
          );
        }

        expect({ what, seen, wrong }).toEqual({ what, seen: [], wrong: [] });
      }
      expect(proxy.duplicates).toBeGreaterThan(0);
    },
    60_000 + 4 * FAULTS.length * FAULT_MS,
  );
});
