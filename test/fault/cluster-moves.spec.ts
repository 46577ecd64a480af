import { describe, expect, it } from '@jest/globals';
import {
  freePort,
  settled,
  statsOf,
  useProcessClusters,
  type Member,
} from '../support/cluster-processes.js';
import { eventually } from '../support/eventually.js';

const LEFT_BEHIND = 500;

describe('A primary that comes back at another address', () => {
  const clusters = useProcessClusters();

  it('gets what its secondary has accepted before both were restarted, once and in order', async () => {
    const homes = { primary: clusters.directory(), secondary: clusters.directory() };
    const startSecondary = (port: number): Promise<Member> =>
      clusters.secondary('accepting', port, { asyncRequests: true }, homes.secondary);
    const port = await freePort();
    const first = await clusters.primary(port, homes.primary);
    const before = await startSecondary(port);
    await before.process.ask('cache', 'set', 'known', 'at once');
    await before.process.ask('cache', 'flush');
    await first.process.finish();
    const keys = Array.from({ length: LEFT_BEHIND }, (_, i) => `left/${i}`);
    await Promise.all(keys.map((key) => before.process.ask('cache', 'set', key, 'first')));
    await before.process.ask('cache', 'set', keys[0], 'last');
    await before.process.finish();
    const elsewhere = await freePort();
    const primary = await clusters.primary(elsewhere, homes.primary);
    const secondary = await startSecondary(elsewhere);
    await eventually(async () =>
      expect(await statsOf(secondary)).toMatchObject({ outbox: { entries: 0, deadLetters: 0 } }),
    );
    await settled(primary, [secondary]);

    expect(await statsOf(secondary)).toMatchObject({ replica: { snapshots: 0 } });
    for (const { process } of [primary, secondary]) {
      const { value } = await process.ask<unknown[]>('cache', 'mget', ['known', ...keys]);
      expect(value).toEqual(['at once', 'last', ...keys.slice(1).map(() => 'first')]);
    }
  });
});
