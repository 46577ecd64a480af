import { beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject } from '@nestjs/common';
import { HealthCheckService, HealthIndicatorService, TerminusModule } from '@nestjs/terminus';
import { HyperCache, HyperCacheModule, type HyperCacheHealth } from 'nestjs-hypercache';
import {
  HyperCacheHealthIndicator,
  type HyperCacheHealthOptions,
} from 'nestjs-hypercache/terminus';
import { useNestApps } from '../support/nest-apps.js';

@Controller('health')
class HealthController {
  constructor(
    @Inject(HealthCheckService) private readonly health: HealthCheckService,
    @Inject(HyperCacheHealthIndicator) private readonly cache: HyperCacheHealthIndicator,
  ) {}

  @Get()
  check() {
    return this.health.check([() => this.cache.check()]);
  }
}

const WELL: HyperCacheHealth = {
  role: 'secondary',
  isOpen: true,
  writes: undefined,
  queued: 0,
  incidents: { lastMinute: 0, lastCode: undefined },
  position: undefined,
  replica: { isReady: true, isConnected: true, isStale: false, lag: 0, lagMs: 3 },
  outbox: { entries: 5, bytes: 500, deadLetters: 0 },
};

const indicatorOf = (
  health: HyperCacheHealth,
  service = new HealthIndicatorService(),
): HyperCacheHealthIndicator =>
  new HyperCacheHealthIndicator({ health: () => health } as HyperCache, service);

describe('HyperCacheHealthIndicator', () => {
  const apps = useNestApps();
  let directory = '';
  beforeEach(() => {
    directory = apps.directory();
  });

  it.each(['Express', 'Fastify'] as const)('answers a health check on %s', async (platform) => {
    const { app, url } = await apps.listen(platform, {
      imports: [HyperCacheModule.forRoot({ sqlitePath: directory }), TerminusModule],
      controllers: [HealthController],
      providers: [HyperCacheHealthIndicator],
    });

    const response = await fetch(`${url}/health`);

    expect(response.status).toBe(200);
    await expect(response.json()).resolves.toMatchObject({
      status: 'ok',
      info: { hypercache: { status: 'up', role: 'primary', queued: 0 } },
    });
    await app.close();
    expect(app.get(HyperCacheHealthIndicator).check()).toMatchObject({
      hypercache: { status: 'down', reasons: ['the cache is closed'] },
    });
  });

  type Case = readonly [
    what: string,
    health: Partial<HyperCacheHealth>,
    options: HyperCacheHealthOptions,
    status: string,
    reasons: string[] | undefined,
  ];
  const replica = { isReady: true, isConnected: true, isStale: false, lag: 0, lagMs: 3 };
  it.each<Case>([
    ['a node that is well', {}, {}, 'up', undefined],
    ['a full disk', { writes: 'HC_STORAGE_FULL' }, {}, 'down', ['writes fail: HC_STORAGE_FULL']],
    [
      'a primary that is away',
      { replica: { ...replica, isConnected: false, lagMs: 9999 } },
      {},
      'degraded',
      ['the primary is away'],
    ],
    [
      'a primary that must not be away',
      { replica: { ...replica, isConnected: false } },
      { primaryLost: 'down' },
      'down',
      ['the primary is away'],
    ],
    [
      'changes that come late',
      { replica: { ...replica, lagMs: 5001 } },
      {},
      'degraded',
      ['changes come 5001 ms late'],
    ],
    [
      'changes that may come late',
      { replica: { ...replica, lagMs: 5001 } },
      { maxLag: 1e6 },
      'up',
      undefined,
    ],
    ['a long outbox', {}, { outbox: 4 }, 'degraded', ['5 writes wait for the primary']],
    [
      'dead letters',
      { outbox: { entries: 0, bytes: 0, deadLetters: 2 } },
      {},
      'degraded',
      ['the primary has refused 2 writes for good'],
    ],
    [
      'incidents',
      { incidents: { lastMinute: 3, lastCode: 'HC_STORAGE_BUSY' } },
      { maxLag: undefined },
      'degraded',
      ['3 failures in the last minute, the last HC_STORAGE_BUSY'],
    ],
    [
      'a closed node whatever else',
      { isOpen: false, writes: 'HC_STORAGE_FULL' },
      {},
      'down',
      ['the cache is closed'],
    ],
  ])('tells of %s', (_what, health, options, status, reasons) => {
    const result = indicatorOf({ ...WELL, ...health }).check('cache', options);

    expect(result).toMatchObject({ cache: { status, role: 'secondary' } });
    expect(Reflect.get(result.cache, 'reasons')).toEqual(reasons);
  });

  it('says degraded of an up node where Terminus has no such state', () => {
    const service = new HealthIndicatorService();
    const session = Object.defineProperty(service.check('cache'), 'degraded', { value: undefined });
    const terminus11 = { check: () => session } as unknown as HealthIndicatorService;
    const health = { ...WELL, incidents: { lastMinute: 1, lastCode: 'HC_STORAGE_BUSY' as const } };

    expect(indicatorOf(health, terminus11).check('cache')).toMatchObject({
      cache: { status: 'up', degraded: true, reasons: [expect.any(String)] },
    });
  });

  it.each([
    { maxLag: -1 },
    { maxLag: '5s' },
    { outbox: Number.NaN },
    { primaryLost: 'up' },
    { primaryLost: null },
  ])('refuses %j', (options) => {
    expect(() => indicatorOf(WELL).check('cache', options as never)).toThrow(
      expect.objectContaining({ code: 'HC_ARGUMENT_INVALID' }),
    );
  });
});
