import { expect, it } from '@jest/globals';
import { Controller, Get, Inject, Injectable, Module, Post } from '@nestjs/common';
import { CACHE_MANAGER } from '@nestjs/cache-manager';
import { ScheduleModule } from '@nestjs/schedule';
import { HealthCheckService, TerminusModule } from '@nestjs/terminus';
import type { Cache } from 'cache-manager';
import { HyperCache, HyperCacheModule } from 'nestjs-hypercache';
import { HyperCacheIdempotencyModule, Idempotent } from 'nestjs-hypercache/idempotency';
import { registerHyperCacheMetrics } from 'nestjs-hypercache/prometheus';
import { redis } from 'nestjs-hypercache/redis';
import { ClusterCron, HyperCacheScheduleModule } from 'nestjs-hypercache/schedule';
import { HyperCacheHealthIndicator } from 'nestjs-hypercache/terminus';
import { HyperCacheThrottlerModule, HyperCacheThrottlerStorage } from 'nestjs-hypercache/throttler';
import { Registry } from 'prom-client';
import { eventually } from '../support/eventually.js';
import { PLATFORMS, useNestApps } from '../support/nest-apps.js';
import { describeWithServer, useRedisServer } from '../support/redis-suites.js';

let calls = 0;

@Controller()
class Everything {
  constructor(
    @Inject(HealthCheckService) private readonly health: HealthCheckService,
    @Inject(HyperCacheHealthIndicator) private readonly indicator: HyperCacheHealthIndicator,
  ) {}

  @Post('payments')
  @Idempotent()
  pay(): object {
    return { calls: ++calls };
  }

  @Get('health')
  check() {
    return this.health.check([() => this.indicator.check()]);
  }
}

let ran: string[] = [];

@Injectable()
class Jobs {
  @ClusterCron('* * * * * *', { name: 'each-second' })
  eachSecond(): void {
    ran.push(`${Math.floor(Date.now() / 1000)}`);
  }
}

@Module({
  imports: [TerminusModule],
  controllers: [Everything],
  providers: [HyperCacheHealthIndicator, Jobs],
})
class FeatureModule {}

describeWithServer('the modules over redis()', () => {
  const apps = useNestApps();
  const server = useRedisServer();

  it.each(PLATFORMS)(
    'count, repeat, run once and tell, on two applications of %s',
    async (platform) => {
      calls = 0;
      ran = [];
      const start = () =>
        apps.listen(platform, {
          imports: [
            HyperCacheModule.forRoot({
              engine: redis({ url: server.url, prefix: platform }),
              logger: false,
            }),
            HyperCacheThrottlerModule,
            HyperCacheIdempotencyModule,
            ScheduleModule.forRoot(),
            HyperCacheScheduleModule,
            FeatureModule,
          ],
        });
      const [one, other] = [await start(), await start()];

      // The throttler counts for both.
      const blocked: boolean[] = [];
      for (const { app } of [one, other, one]) {
        const storage = app.get(HyperCacheThrottlerStorage);
        blocked.push((await storage.increment('client', 60_000, 2, 60_000, 'default')).isBlocked);
      }
      expect(blocked).toEqual([false, false, true]);

      // A payment is repeated by the other application.
      const pay = async (url: string) => {
        const headers = { 'idempotency-key': '"a-key"' };
        return (await fetch(`${url}/payments`, { method: 'POST', headers })).json();
      };
      expect([await pay(one.url), await pay(other.url)]).toEqual([{ calls: 1 }, { calls: 1 }]);

      // A job runs once for each instant.
      await eventually(() => expect(ran.length).toBeGreaterThan(2));
      expect(new Set(ran).size).toBe(ran.length);

      // Terminus and Prometheus tell what there is.
      expect(await (await fetch(`${one.url}/health`)).json()).toMatchObject({
        status: 'ok',
        details: { hypercache: { status: 'up' } },
      });
      const cache = one.app.get(HyperCache);
      const registry = new Registry();
      registerHyperCacheMetrics(cache, { registry });
      await one.app.get<Cache>(CACHE_MANAGER).set('a', 1, 60_000);
      expect(await other.app.get<Cache>(CACHE_MANAGER).get('a')).toBe(1);
      expect(await registry.metrics()).toMatch(/hypercache_writes_total\{.*kind="set"\} \d/);
    },
  );
});
