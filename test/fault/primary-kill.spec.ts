import { describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { seededRandom } from '../../sample/01-single-node/src/replay/seeded-random.js';
import { FILE_NAME } from '../../lib/sqlite/storage.js';
import { campaign } from '../support/campaign.js';
import {
  freePort,
  statsOf,
  useProcessClusters,
  type Member,
} from '../support/cluster-processes.js';
import { beginWriting, judge, progressOf } from '../support/one-truth.js';

const ROUNDS = 4 * campaign.factor;
/** The most that it writes, and then rests, before the next thing happens, in ms. */
const RUN_MS = 300;

describe('A primary alone', () => {
  const clusters = useProcessClusters();

  /** The last token of a lock that was taken and given back. */
  const tokenOn = async ({ process, directory: home }: Member): Promise<number> => {
    await process.ask('member', 'acquire', 'lock', { ttl: 600_000 });
    await process.ask('member', 'release', 'lock');
    const file = new Database(join(home, FILE_NAME), { readonly: true });
    try {
      return Number(file.prepare('SELECT max(token) FROM leases').pluck().get());
    } finally {
      file.close();
    }
  };

  it(
    'that is killed under mixed load holds what its callers were told, each time',
    async () => {
      const home = clusters.directory();
      const logs = clusters.directory();
      const random = seededRandom(campaign.seed);
      const start = async (): Promise<Member> => clusters.primary(await freePort(), home);
      let primary = await start();
      let token = 0;
      let { epoch } = await statsOf(primary);
      let done = 0;
      for (let round = 1; round <= ROUNDS; round++) {
        await beginWriting([primary], logs, round);
        await progressOf([primary]);
        await delay(random() * RUN_MS);
        const next = await tokenOn(primary);
        expect(next).toBeGreaterThan(token);
        token = next;
        await primary.process.kill();
        primary = await start();

        const { wrong, ...report } = await judge(primary, [primary], logs);
        expect({ round, wrong }).toEqual({ round, wrong: [] });
        const stats = await statsOf(primary);
        expect(stats.epoch).toBeGreaterThan(epoch);
        epoch = stats.epoch;
        done = report.done;
        if (campaign.isReported && (round % 50 === 0 || round === ROUNDS)) {
          process.stderr.write(`killed ${round} times: ${JSON.stringify(report)}\n`);
        }
      }
      expect(done).toBeGreaterThan(ROUNDS * 50);
      const file = new Database(join(home, FILE_NAME), { readonly: true });
      expect(file.pragma('integrity_check', { simple: true })).toBe('ok');
      file.close();
    },
    60_000 + ROUNDS * 5000,
  );
});
