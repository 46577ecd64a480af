import { describe, expect, it } from '@jest/globals';
import { Cache, CACHE_MANAGER } from '@nestjs/cache-manager';
import { Test, type TestingModule } from '@nestjs/testing';
import { HyperCache, InjectHyperCache, HyperCacheModule } from 'nestjs-hypercache';
import {
  HyperCacheTestingModule,
  TestClock,
  type HyperCacheTestOptions,
} from 'nestjs-hypercache/testing';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RESOLVED_OPTIONS } from '../../lib/nest/hyper-cache.constants.js';
import type { ResolvedOptions } from '../../lib/node/options.js';

const startApp = async (options?: HyperCacheTestOptions): Promise<TestingModule> => {
  const app = await Test.createTestingModule({
    imports: [HyperCacheTestingModule.forTest(options)],
  }).compile();
  return app.init();
};

const directoryOf = (app: TestingModule): string =>
  app.get<ResolvedOptions>(RESOLVED_OPTIONS, { strict: false }).sqlitePath;

describe('HyperCacheTestingModule.forTest', () => {
  it('gives each application a directory of its own, and leaves none behind', async () => {
    const [first, second] = [await startApp(), await startApp()];
    await first.get(HyperCache).set('key', 'of the first');
    await second.get<Cache>(CACHE_MANAGER).set('key', 'of the second');

    await expect(first.get(HyperCache).get('key')).resolves.toBe('of the first');
    await expect(second.get(HyperCache).get('key')).resolves.toBe('of the second');
    const directories = [directoryOf(first), directoryOf(second)];
    expect(directories.every((directory) => existsSync(directory))).toBe(true);
    await first.close();
    await second.close();
    expect(directories.some((directory) => existsSync(directory))).toBe(false);
  });

  it('is an application like another, with forFeature beside it', async () => {
    class Sessions {
      constructor(readonly cache: HyperCache) {}
    }
    InjectHyperCache('sessions')(Sessions, undefined as never, 0);
    const app = await Test.createTestingModule({
      imports: [
        HyperCacheTestingModule.forTest(),
        HyperCacheModule.forFeature({ name: 'sessions' }),
      ],
      providers: [Sessions],
    }).compile();
    await app.init();

    await app.get(Sessions).cache.set('key', 1);

    await expect(app.get(HyperCache).get('key')).resolves.toBeUndefined();
    await expect(app.get(Sessions).cache.get('key')).resolves.toBe(1);
    await app.close();
  });

  it('takes options before its own, and keeps a directory that it was given', async () => {
    const sqlitePath = mkdtempSync(join(tmpdir(), 'given-'));
    const app = await startApp({ sqlitePath, durability: 'normal', ttl: '1m' });

    expect(app.get(RESOLVED_OPTIONS, { strict: false })).toMatchObject({
      sqlitePath,
      durability: 'normal',
      checkpoints: 'inline',
      ttl: 60_000,
    });
    await app.close();
    expect(existsSync(sqlitePath)).toBe(true);
    rmSync(sqlitePath, { recursive: true });
  });

  it('refuses wrong options as forRoot does', async () => {
    await expect(startApp({ ttll: 5 } as never)).rejects.toMatchObject({
      code: 'HC_OPTIONS_INVALID',
    });
  });

  it('leaves nothing behind, not even of an application that was not closed', async () => {
    const program = new URL('../support/programs/unclosed-test.mjs', import.meta.url);
    const child = fork(program, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    const [directories] = (await once(child, 'message')) as [string[]];
    await once(child, 'exit');

    expect(directories).not.toHaveLength(0);
    expect(directories.filter((directory) => existsSync(directory))).toEqual([]);
  });
});

describe('TestClock', () => {
  it('ends entries and leases when a test lets time pass', async () => {
    const clock = new TestClock(new Date('2026-01-01'));
    const app = await startApp({ clock });
    const cache = app.get(HyperCache);
    await cache.set('short', 1, '5m');
    await cache.set('long', 1, '1h');
    const lock = cache.lock('job', { ttl: '1m' });
    await lock.acquire();

    await expect(cache.ttl('short')).resolves.toBe(Date.parse('2026-01-01T00:05:00Z'));
    await clock.advance('4m');
    await expect(cache.mget(['short', 'long'])).resolves.toEqual([1, 1]);
    await expect(cache.lock('job', { ttl: '1m' }).acquire()).resolves.toBe(true);
    await clock.advance(60_000);
    await expect(cache.mget(['short', 'long'])).resolves.toEqual([undefined, 1]);
    await app.close();
  });

  it('commits what waits, and sweeps what has expired', async () => {
    const clock = new TestClock();
    const app = await startApp({ clock, sweepInterval: 3_600_000 });
    const cache = app.get(HyperCache);
    await cache.mset(
      Array.from({ length: 1200 }, (_, i) => ({ key: `key ${i}`, value: i, ttl: '1m' })),
    );

    await clock.advance(1);
    const before = await cache.stats();
    await clock.advance('2m');
    const after = await cache.stats();

    expect(before).toMatchObject({ queued: 0, l2: { entries: 1200, swept: 0 } });
    expect(after).toMatchObject({ l2: { entries: 0, swept: 1200 } });
    await app.close();
  });

  it('hands leases that have ended to those who wait, and ends waits that are over', async () => {
    const clock = new TestClock();
    const app = await startApp({ clock });
    const cache = app.get(HyperCache);
    const holder = cache.lock('job', { ttl: '1m' });
    await holder.acquire();
    const outcomes: string[] = [];
    const wait = async (name: string, ms: number): Promise<void> => {
      const got = await cache.lock('job', { ttl: '10m' }).acquire({ wait: ms });
      outcomes.push(`${name}: ${got}`);
    };
    const waits = [wait('long', 300_000), wait('short', 30_000)];

    await clock.advance('59s');
    const ended = [...outcomes];
    await clock.advance('1s');
    await Promise.all(waits);

    expect(ended).toEqual(['short: false']);
    expect(outcomes).toEqual(['short: false', 'long: true']);
    expect(holder.isHeld).toBe(false);
    await app.close();
  });

  it('renews a lock that asks for it, and tells the holder of one that has ended', async () => {
    const clock = new TestClock();
    const app = await startApp({ clock });
    const cache = app.get(HyperCache);
    const renewed = cache.lock('renewed', { ttl: '1m', renew: true });
    await renewed.acquire();
    const ended = await cache
      .lock('ended', { ttl: '1m' })
      .run(async ({ signal }) => {
        for (let i = 0; i < 3; i++) await clock.advance('30s');
        return signal.aborted;
      })
      .catch((error: unknown) => error);

    expect(ended).toMatchObject({ code: 'HC_LOCK_LOST' });
    expect(renewed.isHeld).toBe(true);
    await expect(cache.lock('renewed', { ttl: '1m' }).acquire()).resolves.toBe(false);
    await renewed.release();
    await app.close();
  });

  it('drives every application that has it, until that is closed', async () => {
    const clock = new TestClock();
    const [first, second] = [await startApp({ clock }), await startApp({ clock })];
    for (const app of [first, second]) await app.get(HyperCache).set('key', 1, '1m');
    await first.close();

    await clock.advance('1m');

    expect((await second.get(HyperCache).stats()).l2.swept).toBe(1);
    await second.close();
    await clock.advance('1m');
  });

  it('is set without time passing', async () => {
    const clock = new TestClock();
    const app = await startApp({ clock });
    const cache = app.get(HyperCache);
    await cache.set('key', 1, '5m');

    clock.set(clock.now() + 3_600_000);
    await clock.advance(1);

    await expect(cache.get('key')).resolves.toBe(1);
    await app.close();
  });

  it.each([-1, Number.NaN, Infinity, '5', undefined])('refuses to advance by %p', async (time) => {
    await expect(new TestClock().advance(time as never)).rejects.toMatchObject({
      code: 'HC_ARGUMENT_INVALID',
    });
  });

  it.each([Number.NaN, new Date('no date'), 'soon'])('refuses to be set to %p', (time) => {
    expect(() => new TestClock(time as never)).toThrow(
      expect.objectContaining({ code: 'HC_ARGUMENT_INVALID' }),
    );
  });
});
