import { describe, expect, it } from '@jest/globals';
import { campaign } from '../support/campaign.js';
import { freePort, useProcessClusters } from '../support/cluster-processes.js';
import { judgeMixedRun, performMixedRun } from '../support/mixed-run.js';

const SECONDARIES = ['first', 'second', 'third'];

/** However busy the machine is, no write fails. */
const PATIENCE_MS = 60_000;

describe('A primary and three secondaries', () => {
  const clusters = useProcessClusters();

  it.each([
    ['synchronous', false],
    ['asynchronous', true],
  ])(
    'hold the same after all verbs from all of them at once, and none has ever gone back: %s writes',
    async (_kind, asyncRequests) => {
      const port = await freePort();
      const primary = await clusters.primary(port);
      const secondaries = await Promise.all(
        SECONDARIES.map((name) =>
          clusters.secondary(name, port, { timeout: PATIENCE_MS, asyncRequests }),
        ),
      );
      const run = await performMixedRun([primary], secondaries, clusters.directory());
      const { wrong, ...report } = await judgeMixedRun(run);
      if (campaign.isReported) process.stderr.write(`mixed run: ${JSON.stringify(report)}\n`);

      expect(wrong).toEqual([]);
    },
    60_000 + campaign.factor * 60_000,
  );
});
