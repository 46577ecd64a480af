import { describe, expect, it } from '@jest/globals';
import { campaign } from '../support/campaign.js';
import { freePort, useProcessClusters } from '../support/cluster-processes.js';
import { judgeMixedRun, performMixedRun } from '../support/mixed-run.js';

/** However busy the machine is, no write fails. */
const PATIENCE_MS = 60_000;

describe('Two hosts with three processes each', () => {
  const clusters = useProcessClusters();

  /** Behind one port a balancer would spread the connections in the same way. */
  async function start(asyncRequests: boolean) {
    const homes = { primary: clusters.directory(), secondary: clusters.directory() };
    const ports = await Promise.all([freePort(), freePort(), freePort()]);
    const startPrimary = (i: 0 | 1 | 2) =>
      clusters.primary(ports[i], homes.primary, undefined, {}, `primary-${i}`);
    const primaries = await Promise.all([startPrimary(0), startPrimary(1), startPrimary(2)]);
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
    return { primaries, secondaries };
  }

  it.each([
    ['synchronous', false],
    ['asynchronous', true],
  ])(
    'hold the same after all verbs from all of them at once, and none has ever gone back: %s writes',
    async (_kind, asyncRequests) => {
      const { primaries, secondaries } = await start(asyncRequests);
      const run = await performMixedRun(primaries, secondaries, clusters.directory());
      const { wrong, ...report } = await judgeMixedRun(run);
      if (campaign.isReported) {
        process.stderr.write(`mixed run of workers: ${JSON.stringify(report)}\n`);
      }

      expect(wrong).toEqual([]);
    },
    60_000 + campaign.factor * 60_000,
  );
});
