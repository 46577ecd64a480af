import { describe, expect, it } from '@jest/globals';
import { useDirectClusters } from '../../support/clusters.js';
import { ManualClock } from '../../support/manual-clock.js';

describe('runs of a secondary', () => {
  const clusters = useDirectClusters();

  it('are left out, and said to be, while its clock is farther off than a slot allows', async () => {
    const clock = new ManualClock(Date.now() + 3_600_000);
    const warnings: string[] = [];
    const warn = (line: string): void => void warnings.push(line);
    const logger = { log: () => undefined, warn, error: warn };
    const primary = await clusters.primary();
    const { node } = await clusters.secondary(primary, { logger }, { clock });
    const outcomes: string[] = [];
    node.on('run', ({ outcome }) => outcomes.push(outcome));
    const slot = (maxSkew: string) => (now: number) => ({ slot: now, maxSkew: maxSkew as '1h' });
    for (const maxSkew of ['30m', '30m', '2h']) {
      await node.runs.run('job', { slot: slot(maxSkew) }, () => undefined);
    }
    expect(outcomes).toEqual(['skewed', 'skewed', 'ok']);
    expect(warnings.filter((line) => line.includes("'job'"))).toEqual([
      expect.stringContaining('clock'),
    ]);
  });

  it('are one with those of the primary and of its files, whoever asks', async () => {
    const primary = await clusters.primary();
    const { node } = await clusters.secondary(primary);
    const window = { window: '1h' } as const;
    const results = await Promise.all(
      [primary, node, primary, node].map((one) => one.runs.run('job', window, () => 'ran')),
    );
    expect(results.filter((result) => result === 'ran')).toHaveLength(1);
    const known = await primary.runs.last('job');
    expect(known).toMatchObject({ ok: true });
    expect(await node.runs.last('job')).toEqual(known);
  });

  it('remember a bounded number of names', async () => {
    const primary = await clusters.primary();
    for (let turn = 0; turn < 11; turn++) {
      await Promise.all(
        Array.from({ length: 1000 }, (_, i) =>
          primary.runs.run(`${turn} ${i}`, { window: 1 }, () => undefined),
        ),
      );
    }
    expect(await primary.runs.last('0 0')).toBeUndefined();
    expect(await primary.runs.last('10 999')).toMatchObject({ ok: true });
  });
});
