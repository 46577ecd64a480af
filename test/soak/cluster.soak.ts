import { afterEach, describe, expect, it } from '@jest/globals';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { seededRandom } from '../../sample/01-single-node/src/replay/seeded-random.js';
import type { HyperCacheOptions } from '../../lib/node/options.js';
import {
  digestOf,
  freePort,
  settled,
  statsOf,
  useProcessClusters,
  type Member,
} from '../support/cluster-processes.js';
import { campaign } from '../support/campaign.js';
import { TcpProxy, type NetworkFault } from '../support/tcp-proxy.js';
import { METRICS, trendOf, type Sample } from './flat.js';
import { plot } from './plot.js';

const { HC_SOAK_MINUTES = '1', HC_SOAK_PLOT = 'storage/soak.svg' } = process.env;
const RUN_MS = Number(HC_SOAK_MINUTES) * 60_000;
/** Caches fill, code is compiled, the log reaches its bound. */
const WARM_UP_S = Math.max(15, RUN_MS / 1000 / 5);
const SAMPLE_MS = RUN_MS > 120_000 ? 5000 : 1000;
const PER_SECOND = 300;
/** Small, so that the log is full after the warm-up. */
const OPTIONS: HyperCacheOptions = { changeLogEntries: 2000, sweepInterval: 200, timeout: 500 };
/** What expires before it may be swept on one node and not yet on the other. */
const FAR_AHEAD = Date.UTC(2100, 0, 1);

const FAULTS: readonly NetworkFault[] = [
  { kind: 'away' },
  { kind: 'cut' },
  { kind: 'delay', ms: 30 },
  { kind: 'uneven', mostMs: 600 },
  { kind: 'halfOpen' },
  { kind: 'oneWay', to: 'primary' },
  { kind: 'oneWay', to: 'secondary' },
  { kind: 'throttle', bytesPerSecond: 50_000 },
  { kind: 'duplicate', share: 0.3 },
  { kind: 'killInside', share: 0.05 },
];

describe('A primary and two secondaries under constant load', () => {
  const clusters = useProcessClusters();
  const proxies: TcpProxy[] = [];
  afterEach(async () => {
    for (const proxy of proxies.splice(0)) await proxy.close();
  });

  it(
    `hold no more after ${HC_SOAK_MINUTES} minutes of faults than before`,
    async () => {
      const port = await freePort();
      const primary = await clusters.primary(port, undefined, {}, OPTIONS);
      const proxy = await TcpProxy.open(port, campaign.seed);
      proxies.push(proxy);
      const secondary = (name: string, home?: string): Promise<Member> =>
        clusters.secondary(
          name,
          proxy.port,
          { ...OPTIONS, asyncRequests: name !== 'waiting' },
          home,
        );
      const waiting = await secondary('waiting');
      /** The one that is killed and started again; what it holds in memory does not last. */
      let killed = await secondary('killed');
      const members = (): Member[] => [primary, waiting, killed];
      const begin = ({ process }: Member) => process.ask('member', 'beginLoad', PER_SECOND);
      for (const one of members()) await begin(one);

      const startedAt = performance.now();
      const second = (): number => (performance.now() - startedAt) / 1000;
      const series = new Map<string, [number, Sample][]>();
      const faultsAt: number[] = [];
      const counts = { network: 0, stopped: 0, killed: 0 };
      const reports: { done: number; codes: Record<string, number>; unexpected: string[] }[] = [];
      let isOver = false;

      const measure = async (): Promise<void> => {
        while (!isOver) {
          for (const { name, process } of [primary, waiting]) {
            const { value } = await process.ask<Sample>('member', 'sample');
            const known = series.get(name) ?? [];
            known.push([second(), value]);
            series.set(name, known);
          }
          await delay(SAMPLE_MS);
        }
      };
      const random = seededRandom(campaign.seed);
      const fail = async (): Promise<void> => {
        const kind = random();
        faultsAt.push(second());
        if (kind < 0.15) {
          counts.killed++;
          const { value } = await killed.process.ask<(typeof reports)[number]>('member', 'report');
          reports.push(value);
          await killed.process.kill();
          await delay(random() * 1000);
          killed = await secondary('killed', killed.directory);
          await begin(killed);
        } else if (kind < 0.3) {
          counts.stopped++;
          const { process } = members()[Math.floor(random() * 3)] ?? primary;
          process.signal('SIGSTOP');
          await delay(random() * 2000);
          process.signal('SIGCONT');
        } else {
          counts.network++;
          await proxy.begin(FAULTS[Math.floor(random() * FAULTS.length)] ?? { kind: 'cut' });
          await delay(500 + random() * 3500);
          await proxy.heal();
        }
        await delay(1000 + random() * 3000);
      };
      const measuring = measure();
      while (performance.now() - startedAt < RUN_MS) await fail();
      isOver = true;
      await measuring;
      for (const { process } of members()) {
        reports.push((await process.ask<(typeof reports)[number]>('member', 'endLoad')).value);
      }
      await settled(primary, [waiting, killed]);

      const digests = members().map((one) => digestOf(one, FAR_AHEAD));
      const { outbox } = await statsOf(killed);
      const trends = [...series].flatMap(([name, samples]) =>
        METRICS.map((metric) => {
          const judged = samples.filter(([at]) => at >= WARM_UP_S);
          const points = judged.map(([at, sample]) => [at, sample[metric]] as const);
          return { name, metric, ...trendOf(metric, points) };
        }),
      );
      mkdirSync(dirname(HC_SOAK_PLOT), { recursive: true });
      writeFileSync(HC_SOAK_PLOT, plot(series, faultsAt));
      const codes: Record<string, number> = {};
      for (const report of reports) {
        for (const [code, n] of Object.entries(report.codes)) codes[code] = (codes[code] ?? 0) + n;
      }
      const done = reports.reduce((sum, report) => sum + report.done, 0);
      const lines = trends.map(({ name, metric, mean, growth, allowed, isFlat }) => {
        const [a, b, c] = [mean, growth, allowed].map((value) => inUnits(metric, value));
        return `${name.padEnd(8)} ${metric.padEnd(8)} mean ${a}, growth ${b}, allowed ${c}${isFlat ? '' : ' GROWS'}`;
      });
      process.stderr.write(
        `${lines.join('\n')}\n${done} operations, ${JSON.stringify({ faults: counts, refused: codes })}\nplot: ${HC_SOAK_PLOT}\n`,
      );

      expect(reports.flatMap(({ unexpected }) => unexpected)).toEqual([]);
      expect(new Set(digests.map(({ digest }) => digest)).size).toBe(1);
      expect(outbox?.entries).toBe(0);
      expect(trends.filter(({ isFlat }) => !isFlat)).toEqual([]);
    },
    RUN_MS + 180_000,
  );
});

function inUnits(metric: (typeof METRICS)[number], value: number): string {
  if (metric === 'handles' || metric === 'timers') return value.toFixed(1);
  return `${(value / (1024 * 1024)).toFixed(2)} MB`;
}
