import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { Cache, CACHE_MANAGER } from '@nestjs/cache-manager';
import { Module } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { getHyperCacheToken, HyperCache, HyperCacheModule } from 'nestjs-hypercache';
import {
  HYPERCACHE_ENVIRONMENT,
  HyperCacheTestingModule,
  stubEnvironment,
  testEnvironment,
} from 'nestjs-hypercache/testing';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RESOLVED_OPTIONS } from '../../lib/nest/hyper-cache.constants.js';
import type { ResolvedOptions } from '../../lib/node/options.js';

const apps: TestingModule[] = [];
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
});

const startStub = async (): Promise<HyperCache> => {
  const app = await Test.createTestingModule({
    imports: [HyperCacheTestingModule.stub(), HyperCacheModule.forFeature({ name: 'sessions' })],
  }).compile();
  apps.push(await app.init());
  return app.get(HyperCache);
};

const pathOf = (app: TestingModule): string =>
  app.get<ResolvedOptions>(RESOLVED_OPTIONS, { strict: false }).sqlitePath;

describe('HyperCacheTestingModule.stub', () => {
  it('accepts every write, and misses every read', async () => {
    const cache = await startStub();

    await cache.set('key', 1, { tags: ['tag'], ttl: '1m' });
    await cache.mset([{ key: 'a', value: 1 }]);

    await expect(cache.get('key')).resolves.toBeUndefined();
    await expect(cache.mget(['key', 'a'])).resolves.toEqual([undefined, undefined]);
    await expect(cache.has('key')).resolves.toBe(false);
    await expect(cache.ttl('key')).resolves.toBeUndefined();
    await expect(cache.getEntry('key', { stale: true })).resolves.toBeUndefined();
    await expect(cache.getWithRevision('key')).resolves.toEqual({ value: undefined, revision: 0 });
    await expect(cache.keys().next()).resolves.toMatchObject({ done: true });
  });

  it('answers every verb as an empty cache does', async () => {
    const cache = await startStub();
    await cache.set('key', 1);

    await expect(cache.add('key', 1)).resolves.toBe(true);
    await expect(cache.setIf('key', 1, 0)).resolves.toMatchObject({ stored: true });
    await expect(cache.setIf('key', 1, 7)).resolves.toEqual({ stored: false, revision: 0 });
    await expect(cache.del('key')).resolves.toBe(false);
    await expect(cache.mdel(['key'])).resolves.toBe(0);
    await expect(cache.pull('key')).resolves.toBeUndefined();
    await expect(cache.touch('key', 1000)).resolves.toBe(false);
    await expect(cache.increment('n', 2, { initial: 5 })).resolves.toBe(7);
    await expect(cache.increment('n', 2, { initial: 5 })).resolves.toBe(7);
    await expect(cache.expire('key')).resolves.toBe(false);
    await expect(cache.delByTag('tag')).resolves.toBe(0);
    await expect(cache.delByPrefix('k')).resolves.toBe(0);
    await expect(cache.expireByTag('tag')).resolves.toBe(0);
    await expect(cache.clear()).resolves.toBe(0);
    await expect(cache.flush()).resolves.toBeUndefined();
    await expect(cache.throttle('ip', { limit: 1, ttl: '1m' })).resolves.toMatchObject({
      totalHits: 1,
      isBlocked: false,
    });
    await expect(cache.resetThrottle('ip')).resolves.toBe(false);
    await expect(cache.lastRun('job')).resolves.toBeUndefined();
    await expect(cache.backup('copy')).rejects.toMatchObject({ code: 'HC_CAPABILITY_ABSENT' });
    expect(cache.health().isOpen).toBe(true);
  });

  it('calls each factory, once for those who wait for it together', async () => {
    const cache = await startStub();
    let calls = 0;
    const make = async (): Promise<number> => ++calls;

    const together = await Promise.all([cache.wrap('key', make), cache.wrap('key', make)]);
    const later = await cache.wrap('key', make, { ttl: '1m', stale: '1h', grace: '1d' });

    expect(together).toEqual([1, 1]);
    expect(later).toBe(2);
  });

  it('grants every lock, and runs every job', async () => {
    const cache = await startStub();
    const [first, second] = [
      cache.lock('job', { ttl: '1m' }),
      cache.lock('job', { ttl: '1m', wait: '1s' }),
    ];

    await expect(first.acquire()).resolves.toBe(true);
    await expect(second.acquire()).resolves.toBe(true);
    expect(Number(second.token)).toBeGreaterThan(Number(first.token));
    await expect(first.extend('2m')).resolves.toBe(true);
    await expect(first.release()).resolves.toBe(true);
    await expect(cache.inspectLock('job')).resolves.toBeUndefined();
    await expect(cache.runOnce('nightly', { window: '1h' }, () => 'ran')).resolves.toBe('ran');
    await expect(cache.runOnce('nightly', { window: '1h' }, () => 'ran')).resolves.toBe('ran');
  });

  it('is what every cache of the application is on', async () => {
    await startStub();
    const [app] = apps;
    const sessions = app?.get<HyperCache>(getHyperCacheToken('sessions'), { strict: false });
    const manager = app?.get<Cache>(CACHE_MANAGER);

    await sessions?.set('key', 1);
    await manager?.set('key', 1);

    await expect(sessions?.get('key')).resolves.toBeUndefined();
    await expect(manager?.get('key')).resolves.toBeUndefined();
  });

  it('checks arguments and options as a real cache does', async () => {
    const cache = await startStub();

    await expect(cache.set('', 1)).rejects.toMatchObject({ code: 'HC_KEY_INVALID' });
    await expect(cache.set('key', () => 1)).rejects.toMatchObject({
      code: 'HC_VALUE_UNSUPPORTED',
    });
    const wrong = Test.createTestingModule({
      imports: [HyperCacheTestingModule.stub({ ttll: 5 } as never)],
    });
    await expect(wrong.compile()).rejects.toMatchObject({ code: 'HC_OPTIONS_INVALID' });
  });

  it('opens no file, and refuses what comes after its close', async () => {
    const cache = await startStub();
    await cache.set('key', 1);
    const paths = apps.map(pathOf);

    for (const app of apps.splice(0)) await app.close();

    expect(paths.some((path) => existsSync(path))).toBe(false);
    await expect(cache.set('key', 1)).rejects.toMatchObject({ code: 'HC_CLOSED' });
  });
});

describe('HYPERCACHE_ENVIRONMENT', () => {
  const directory = mkdtempSync(join(tmpdir(), 'of-the-app-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  @Module({
    imports: [
      HyperCacheModule.forRoot({
        role: 'secondary',
        primaryUrl: 'http://primary.example',
        apiToken: 'a token of an application under test, 32+',
        sqlitePath: directory,
        ttl: '5m',
      }),
    ],
  })
  class AppModule {}

  const start = async (environment: object): Promise<HyperCache> => {
    const app = await Test.createTestingModule({ imports: [AppModule] })
      .overrideProvider(HYPERCACHE_ENVIRONMENT)
      .useValue(environment)
      .compile();
    apps.push(await app.init());
    return app.get(HyperCache);
  };

  it('makes the cache of a whole application a stub', async () => {
    const cache = await start(stubEnvironment());

    await cache.set('key', 1);

    await expect(cache.get('key')).resolves.toBeUndefined();
    expect(readdirSync(directory)).toEqual([]);
  });

  it('gives a whole application a directory of its own, and leaves its other options', async () => {
    const cache = await start(testEnvironment());
    await cache.set('key', 1);
    const paths = apps.map(pathOf);

    await expect(cache.get('key')).resolves.toBe(1);
    const remaining = Number(await cache.ttl('key')) - Date.now();
    expect(Math.round(remaining / 60_000)).toBe(5);
    expect((await cache.stats()).role).toBe('primary');
    expect(paths).not.toContain(directory);
    expect(paths.every((path) => existsSync(path))).toBe(true);
    for (const app of apps.splice(0)) await app.close();
    expect(paths.some((path) => existsSync(path))).toBe(false);
  });
});
