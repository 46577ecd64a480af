import { describe, expect, it } from '@jest/globals';
import { Module } from '@nestjs/common';
import { HyperCacheModule } from 'nestjs-hypercache';
import { HyperCacheThrottlerModule, HyperCacheThrottlerStorage } from 'nestjs-hypercache/throttler';
import { CLUSTER_TOKEN } from '../support/clusters.js';
import { freePort } from '../support/cluster-processes.js';
import { eventually } from '../support/eventually.js';
import { LEFT_OPEN, PLATFORMS, useNestApps } from '../support/nest-apps.js';
import { useSharedThrottledApp, useThrottledApps, type Answer } from '../support/throttled-apps.js';

const NUMBER = expect.stringMatching(/^\d+$/);

/** As the package's own tests expect it. */
function expectPassed(answer: Answer, limit: number, remaining: number): void {
  expect(answer).toMatchObject({
    body: { success: true },
    headers: {
      'x-ratelimit-limit': String(limit),
      'x-ratelimit-remaining': String(remaining),
      'x-ratelimit-reset': NUMBER,
    },
  });
}

function expectBlocked(answer: Answer, seconds?: number): void {
  expect(answer).toMatchObject({
    status: 429,
    body: { statusCode: 429, message: expect.stringMatching(/ThrottlerException/) },
    headers: { 'retry-after': seconds === undefined ? NUMBER : String(seconds) },
  });
}

describe.each(PLATFORMS)("@nestjs/throttler's own controller tests, on %s", (platform) => {
  const apps = useThrottledApps();
  /** Each of its routes has counts of its own. */
  const sharedApp = useSharedThrottledApp({ platform });

  it('let ignored routes and user agents pass, without headers', async () => {
    const app = await sharedApp();
    const agent = { headers: { 'user-agent': 'throttler-test/0.0.0' } };
    for (const [path, init] of [
      ['/ignored', {}],
      ['/ignore-user-agents', agent],
    ] as const) {
      const { body, headers } = await app.request(path, init);
      expect(body).toEqual({ ignored: true });
      expect(headers).not.toHaveProperty('x-ratelimit-limit');
    }
    expectPassed(await app.request('/'), 2, 1);
  });

  it.each([
    ['/limit', 2, 5000],
    ['/limit/higher', 5, 15_000],
    ['/default', 5, 20_000],
  ])('limit %s to %d, and block it for %d ms', async (path, limit, blockDuration) => {
    const app = await sharedApp();
    for (let i = 0; i < limit; i++) expectPassed(await app.request(path), limit, limit - (i + 1));
    expectBlocked(await app.request(path), blockDuration / 1000);
    await app.advance(blockDuration);
    expectPassed(await app.request(path), limit, limit - 1);
  });

  it('let a POST pass again when its second is over', async () => {
    const app = await sharedApp();
    const post = async (): Promise<number> =>
      (await app.request('/test/throttle', { method: 'POST' })).status;
    expect(await post()).toBe(201);
    await app.advance(1000);
    expect(await post()).toBe(201);
    expect(await post()).toBe(429);
    expect(await post()).toBe(429);
  });

  it('skip everything when skipIf says so', async () => {
    const app = await apps.start({ platform, skips: true });
    for (let i = 0; i < 15; i++) {
      const { status, headers } = await app.request('/');
      expect(status).toBe(200);
      expect(headers).not.toHaveProperty('x-ratelimit-limit');
    }
  });

  it('count for each of several throttlers', async () => {
    const throttlers = [
      { name: 'short', limit: 2, ttl: 1000 },
      { name: 'long', limit: 3, ttl: 60_000 },
    ];
    const app = await apps.start({ platform, throttlers });
    for (let i = 0; i < 2; i++) await app.request('/default');
    const blocked = await app.request('/default');
    expect(blocked).toMatchObject({ status: 429, headers: { 'retry-after-short': NUMBER } });
    await app.advance(1000);
    const passed = await app.request('/default');
    expect(passed.headers).toMatchObject({
      'x-ratelimit-remaining-short': '1',
      'x-ratelimit-remaining-long': '0',
    });
    expect(await app.request('/default')).toMatchObject({
      status: 429,
      headers: { 'retry-after-long': '60' },
    });
  });
});

describe("HyperCacheThrottlerStorage, as the package's own storage tests", () => {
  const sharedApp = useSharedThrottledApp();

  it('increments the count', async () => {
    const app = await sharedApp();
    expect(await app.increment('test', 1000, 1, 0, 'test')).toMatchObject({
      totalHits: 1,
      timeToExpire: 1,
      isBlocked: false,
    });
  });

  it('keeps keys independent over blocking and unblocking', async () => {
    const app = await sharedApp();
    for (let i = 0; i < 10; i++) {
      const first = await app.increment('key1', 1000, 3, 1000, 'test');
      expect(first.isBlocked).toBe(false);
      await app.increment('key2', 1000, 3, 1000, 'test');
      await app.increment('key2', 1000, 3, 1000, 'test');
      await app.advance(500);
    }
  });

  it('takes what the guard can be told: limits that are no whole numbers, below 0, or endless', async () => {
    const app = await sharedApp();
    const blocked = async (limit: number, blockDuration: number, key: string) => {
      const all: boolean[] = [];
      for (let i = 0; i < 4; i++) {
        all.push((await app.increment(key, 1000, limit, blockDuration, 'x')).isBlocked);
      }
      return all;
    };
    expect(await blocked(2.5, 1000, 'a')).toEqual([false, false, true, true]);
    expect(await blocked(2.5, 0, 'b')).toEqual([false, false, false, true]);
    expect(await blocked(-1, 1000, 'c')).toEqual([true, true, true, true]);
    expect(await blocked(-1, -1, 'd')).toEqual([true, true, true, true]);
    expect(await blocked(Infinity, 1000, 'e')).toEqual([false, false, false, false]);
  });

  it('forgets a key on reset', async () => {
    const app = await sharedApp();
    for (let i = 0; i < 3; i++) await app.increment('key', 60_000, 1, 60_000, 'test');
    expect(await app.reset('key', 'test')).toBe(true);
    expect(await app.increment('key', 60_000, 1, 60_000, 'test')).toMatchObject({ totalHits: 1 });
    expect(await app.reset('other')).toBe(false);
  });
});

describe('What is throttled', () => {
  const apps = useThrottledApps();

  it('stays blocked over kill -9 and a restart, and no longer than it was to be', async () => {
    const sqlitePath = apps.directory();
    const first = await apps.start({ options: { sqlitePath } });
    for (let i = 0; i < 5; i++) await first.request('/default');
    expectBlocked(await first.request('/default'), 20);
    await first.process.kill();
    const second = await apps.start({ options: { sqlitePath } });
    expectBlocked(await second.request('/default'));
    await second.setBack(3_600_000);
    expectBlocked(await second.request('/default'));
    await second.advance(22_000);
    expectPassed(await second.request('/default'), 5, 4);
  });

  it('is counted once for all servers: of 1,000 requests at once to three, exactly the limit passes', async () => {
    const port = await freePort();
    const shared = { apiToken: CLUSTER_TOKEN };
    const primary = await apps.start({ port, options: shared });
    const primaryUrl = `http://127.0.0.1:${port}`;
    const secondary = { ...shared, role: 'secondary', primaryUrl } as const;
    const nodes = [
      primary,
      await apps.start({ options: secondary }),
      await apps.start({ options: secondary, platform: 'Fastify' }),
    ];
    const statuses = await Promise.all(
      Array.from({ length: 1000 }, async (_, i) => {
        const node = nodes[i % nodes.length];
        return (await node?.request('/default'))?.status;
      }),
    );
    expect(statuses.filter((status) => status === 200)).toHaveLength(5);
    expect(statuses.filter((status) => status === 429)).toHaveLength(995);
  });

  it.each([
    ['local', [200, 200, 200, 200, 200, 429]],
    ['allow', [200, 200, 200, 200, 200, 200]],
    ['reject', [503, 503, 503, 503, 503, 503]],
  ] as const)('without its primary goes by onUnavailable: %s', async (onUnavailable, expected) => {
    const port = await freePort();
    const shared = { apiToken: CLUSTER_TOKEN };
    const sqlitePath = apps.directory();
    const primary = await apps.start({ port, options: { ...shared, sqlitePath } });
    const primaryUrl = `http://127.0.0.1:${port}`;
    const app = await apps.start({
      options: { ...shared, role: 'secondary', primaryUrl },
      throttlerOptions: { onUnavailable },
    });
    expect((await app.request('/default')).status).toBe(200);
    await primary.process.kill();
    const statuses: number[] = [];
    for (let i = 0; i < 6; i++) statuses.push((await app.request('/default')).status);
    expect(statuses).toEqual(expected);
    const told = (await app.events()).filter((line) => line.includes('throttled'));
    expect(told).toEqual([expect.stringMatching(/^HC_PRIMARY_\w+ while deciding/)]);

    await apps.start({ port, options: { ...shared, sqlitePath } });
    // Of the key that was hit before the primary counts on.
    await eventually(async () => {
      const { headers } = await app.request('/limit/higher');
      expect(headers).toMatchObject({ 'x-ratelimit-remaining': expect.stringMatching(/^[0-4]$/) });
    });
  });
});

describe('HyperCacheThrottlerModule', () => {
  const apps = useNestApps();

  it('finds a cache that is not global', async () => {
    @Module({
      imports: [HyperCacheModule.forRoot({ sqlitePath: apps.directory(), isGlobal: false })],
    })
    class CacheModule {}
    const app = await apps.context({ imports: [CacheModule, HyperCacheThrottlerModule] });
    const storage = app.get(HyperCacheThrottlerStorage);
    expect(await storage.increment('key', 1500, 1, 0, 'default')).toEqual({
      totalHits: 1,
      isBlocked: false,
      timeToExpire: 2,
      timeToBlockExpire: 0,
    });
  });

  it('refuses the start without a cache, and names what to import', async () => {
    await expect(apps.context({ imports: [HyperCacheThrottlerModule] })).rejects.toMatchObject({
      code: 'HC_MODULE_MISSING',
      message: expect.stringContaining('HyperCacheModule.forRoot()'),
    });
  });

  it('refuses options that there are not, all at once', async () => {
    const options = { onUnavailable: 'ignore', window: 1, storage: true };
    expect(() => HyperCacheThrottlerModule.forRoot(options as never)).toThrow(
      expect.objectContaining({
        code: 'HC_OPTIONS_INVALID',
        problems: [
          expect.objectContaining({ option: expect.stringContaining('onUnavailable') }),
          expect.objectContaining({ option: expect.stringContaining('window') }),
          expect.objectContaining({ option: expect.stringContaining('storage') }),
        ],
      }),
    );
  });

  it('counts by fixed windows when told to', async () => {
    const app = await apps.context({
      imports: [
        HyperCacheModule.forRoot({ sqlitePath: apps.directory(), ...LEFT_OPEN }),
        HyperCacheThrottlerModule.forRoot({ window: 'fixed', onUnavailable: undefined }),
      ],
    });
    const storage = app.get(HyperCacheThrottlerStorage);
    const hit = () => storage.increment('key', 60_000, 2000, 0, 'default');
    await hit();
    expect(await hit()).toMatchObject({ totalHits: 2, isBlocked: false, timeToExpire: 60 });
  });
});
