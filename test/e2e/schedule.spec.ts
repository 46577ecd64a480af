import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { ScheduleModule, SchedulerRegistry } from '@nestjs/schedule';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HyperCache, HyperCacheModule, RunOnce } from 'nestjs-hypercache';
import {
  ClusterCron,
  HyperCacheScheduleModule,
  type ClusterCronOptions,
} from 'nestjs-hypercache/schedule';
import type { HyperCacheEvents } from '../../lib/common/events.js';
import type { HyperCacheOptions } from '../../lib/node/options.js';
import { CLUSTER_TOKEN } from '../support/clusters.js';
import { freePort } from '../support/cluster-processes.js';
import { eventually } from '../support/eventually.js';
import { LEFT_OPEN, useNestApps } from '../support/nest-apps.js';
import { useNodeProcesses, type NodeProcess } from '../support/node-process.js';
import { useTemporaryDirectories } from '../support/temporary-directory.js';

const DAY_MS = 86_400_000;

interface JobConfig {
  readonly label: string;
  readonly journal: string;
  readonly options: HyperCacheOptions;
  readonly cron?: string;
  readonly on?: 'start' | 'success';
  readonly catchUp?: boolean | { within: string };
  readonly hangs?: boolean;
  readonly setBackMs?: number;
  readonly advanceMs?: number;
  readonly port?: number;
}

const callJob = async (app: NodeProcess): Promise<unknown> => (await app.ask('jobs', 'call')).value;
const outcomesOf = async (app: NodeProcess) =>
  (await app.ask<HyperCacheEvents['run']['outcome'][]>('app', 'outcomes')).value;

describe('@ClusterCron in processes of its own', () => {
  const startProgram = useNodeProcesses();
  const directory = useTemporaryDirectories();
  const start = (config: JobConfig): Promise<NodeProcess> =>
    startProgram('scheduled-app', { ...config });
  /** Who has run which slot. */
  const runsIn = (journal: string): { slot: number; label: string }[] =>
    (existsSync(journal) ? readFileSync(journal, 'utf8').trim().split('\n') : []).map((line) => {
      const [slot = '', label = ''] = line.split(' ');
      return { slot: Number(slot), label };
    });

  it.each([20, 900])('runs once for each instant though timers fire %d ms apart', async (apart) => {
    const port = await freePort();
    const journal = join(directory(), 'journal');
    const common = { journal, cron: '*/2 * * * * *' };
    const options = { sqlitePath: directory(), apiToken: CLUSTER_TOKEN };
    await start({ ...common, label: 'primary', options, port });
    const secondary = await start({
      ...common,
      label: 'secondary',
      setBackMs: apart,
      options: {
        ...options,
        sqlitePath: directory(),
        role: 'secondary',
        primaryUrl: `http://127.0.0.1:${port}`,
      },
    });
    await eventually(
      async () => {
        expect(runsIn(journal).length).toBeGreaterThanOrEqual(3);
        expect((await outcomesOf(secondary)).length).toBeGreaterThanOrEqual(2);
      },
      { timeoutMs: 20_000 },
    );
    const slots = runsIn(journal).map(({ slot }) => slot);
    expect(slots).toEqual([...new Set(slots)].toSorted((a, b) => a - b));
    for (const slot of slots) expect(slot % 2000).toBe(0);
    // Whose clock is behind comes too late; on a busy machine while the run is still under way.
    const others = (await outcomesOf(secondary)).filter((outcome) => outcome !== 'skipped');
    expect(others.filter((outcome) => outcome !== 'running')).toEqual([]);
  });

  it.each([
    ['start', 'skipped'],
    ['success', 'ok'],
  ] as const)("with on: '%s' is %s after kill -9 in the job", async (on, outcome) => {
    const journal = join(directory(), 'journal');
    const options = { sqlitePath: directory() };
    const first = await start({ label: 'first', journal, options, on, hangs: true });
    await first.ask('jobs', 'begin');
    await eventually(() => expect(runsIn(journal)).toHaveLength(1));
    const second = await start({ label: 'second', journal, options, on });
    expect(await callJob(second)).toBeUndefined();
    expect(await outcomesOf(second)).toEqual(['running']);
    await first.kill();
    await eventually(async () => {
      await callJob(second);
      expect((await outcomesOf(second)).at(-1)).toBe(outcome);
    });
    expect(runsIn(journal)).toHaveLength(on === 'start' ? 1 : 2);
    const { value: last } = await second.ask('cache', 'lastRun', 'nightly');
    expect(last).toMatchObject(
      on === 'start' ? { node: expect.any(String) } : { ok: true, finishedAt: expect.any(Number) },
    );
  });

  it('catches up once what was missed while it was down over several instants', async () => {
    const journal = join(directory(), 'journal');
    const options = { sqlitePath: directory() };
    const catchUp = true;
    // What never ran has missed nothing.
    const first = await start({ label: 'first', journal, options, catchUp });
    await callJob(first);
    await first.finish();
    expect(runsIn(journal)).toHaveLength(1);

    const late = { journal, options, advanceMs: 3 * DAY_MS };
    const tooLate = await start({ ...late, label: 'too late', catchUp: { within: '1s' } });
    await eventually(async () => expect(await outcomesOf(tooLate)).toEqual(['skipped']));
    await tooLate.finish();
    const second = await start({ ...late, label: 'second', catchUp });
    await eventually(() => expect(runsIn(journal)).toHaveLength(2));
    const [before, after] = runsIn(journal);
    expect(after).toMatchObject({ label: 'second' });
    expect(Math.round(((after?.slot ?? 0) - (before?.slot ?? 0)) / DAY_MS)).toBe(3);
    await second.finish();
    const third = await start({ ...late, label: 'third', catchUp });
    await eventually(async () => expect(await outcomesOf(third)).toEqual(['skipped']));
    expect(runsIn(journal)).toHaveLength(2);
  });

  it('does not run without its primary, and tells it once', async () => {
    const port = await freePort();
    const journal = join(directory(), 'journal');
    const options = { sqlitePath: directory(), apiToken: CLUSTER_TOKEN };
    const primary = await start({ label: 'primary', journal, options, port });
    const secondary = await start({
      label: 'secondary',
      journal,
      options: {
        ...options,
        sqlitePath: directory(),
        role: 'secondary',
        primaryUrl: `http://127.0.0.1:${port}`,
      },
    });
    await primary.kill();
    for (let i = 0; i < 3; i++) expect(await callJob(secondary)).toBeUndefined();
    expect(await outcomesOf(secondary)).toEqual(['unavailable', 'unavailable', 'unavailable']);
    const { value: errors } = await secondary.ask<string[]>('app', 'errors');
    expect(errors.filter((during) => during.includes("the run 'nightly'"))).toHaveLength(1);
    expect(runsIn(journal)).toEqual([]);
  });
});

@Injectable()
class Reports {
  calls = 0;

  @ClusterCron('0 0 3 * * *', { name: 'reports', timeZone: 'Europe/Berlin' })
  async report(by: string): Promise<string> {
    this.calls++;
    return `by ${by}`;
  }

  @RunOnce('cleaning', { window: '1h' })
  async clean(): Promise<number> {
    return ++this.calls;
  }
}

describe('the decorators', () => {
  const apps = useNestApps();
  const imports = () => [
    HyperCacheModule.forRoot({ sqlitePath: apps.directory() }),
    ScheduleModule.forRoot(),
  ];

  it('run the method, and tell of it', async () => {
    const app = await apps.context({ imports: imports(), providers: [Reports] });
    const reports = app.get(Reports);
    expect(await reports.report('hand')).toBe('by hand');
    expect(await reports.report('hand')).toBeUndefined();
    expect(await reports.clean()).toBe(2);
    expect(await reports.clean()).toBeUndefined();
    expect(app.get(SchedulerRegistry).getCronJobs().has('reports')).toBe(true);
    const cache = app.get(HyperCache);
    expect(await cache.lastRun('cleaning')).toMatchObject({ ok: true });
    const { slot = 0 } = (await cache.lastRun('reports')) ?? {};
    expect(new Date(slot).toLocaleTimeString('en-GB', { timeZone: 'Europe/Berlin' })).toBe(
      '03:00:00',
    );
    expect(reports.report.name).toBe('report');
  });

  it('need the modules that they work with', async () => {
    class Missing {
      @ClusterCron('0 0 3 * * *', { name: 'missing', catchUp: true })
      job(): void {
        // Never called.
      }
    }
    Injectable()(Missing);
    const cache = HyperCacheModule.forRoot({ sqlitePath: apps.directory(), ...LEFT_OPEN });
    await expect(
      apps.context({ imports: [cache, ScheduleModule.forRoot()], providers: [Missing] }),
    ).rejects.toThrow(/CatchUp/);
    const app = await apps.context({
      imports: [...imports(), HyperCacheScheduleModule],
      providers: [Missing],
    });
    expect(app.get(Missing)).toBeDefined();
  });

  it.each([
    ['no name', {}],
    ['an empty name', { name: '' }],
    ['catchUp of another type', { name: 'a', catchUp: 'yes' }],
    ['catchUp without within', { name: 'a', catchUp: {} }],
    ['catchUp within no duration', { name: 'a', catchUp: { within: '1 hour' } }],
    ['catchUp within nothing', { name: 'a', catchUp: { within: 0 } }],
    ['another on', { name: 'a', on: 'end' }],
    ['no ttl', { name: 'a', ttl: 0 }],
  ])('refuse %s when the class is loaded', (_what, options) => {
    expect(() => ClusterCron('0 3 * * *', options as ClusterCronOptions)).toThrow(
      expect.objectContaining({ code: 'HC_ARGUMENT_INVALID' }),
    );
  });

  it('refuse one name on two methods', async () => {
    const decorate = (target: object): void => {
      const descriptor = { value: () => undefined, configurable: true };
      RunOnce('twice', { window: 1000 })(target, 'job', descriptor);
    };
    class First {}
    class Second {}
    decorate(First.prototype);
    decorate(First.prototype);
    expect(() => decorate(Second.prototype)).toThrow(/'twice' on First.job\(\) and on Second/);

    class Same {
      @ClusterCron('0 0 3 * * *', { name: 'reports' })
      job(): void {
        // Never called.
      }
    }
    Injectable()(Same);
    await expect(
      apps.context({
        imports: [
          HyperCacheModule.forRoot({ sqlitePath: apps.directory(), ...LEFT_OPEN }),
          ScheduleModule.forRoot(),
        ],
        providers: [Reports, Same],
      }),
    ).rejects.toThrow(/reports/);
  });
});
