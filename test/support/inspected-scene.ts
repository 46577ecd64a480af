import { Module } from '@nestjs/common';
import { expect } from '@jest/globals';
import { HyperCache, HyperCacheModule } from 'nestjs-hypercache';
import { TestClock } from 'nestjs-hypercache/testing';
import { setTimeout as delay } from 'node:timers/promises';
import { INSPECTOR_CLOCK } from '../../lib/inspector/inspector-context.js';
import { eventually } from './eventually.js';
import type { InspectedApp } from './inspected-apps.js';
import type { NestApps } from './nest-apps.js';

/** Of the node of the scene and its secondary. */
export const SCENE_TOKEN = '5b0c41d97e2f4a86-scene-93a7d20e6c18';

const SAMPLES = 180;
const STEP = '5s';
const PRODUCTS = 400;
const FIRST = Date.UTC(2026, 10, 27, 9, 30);

/** The plots' clock: what takes a quarter of an hour is over in a second. */
export const sceneClock = new TestClock(Date.now() - SAMPLES * 5000);

/** Gives the inspector {@link sceneClock}; the node keeps the machine's. */
@Module({
  providers: [{ provide: INSPECTOR_CLOCK, useValue: sceneClock }],
  exports: [INSPECTOR_CLOCK],
})
export class SceneClockModule {}

/** A quarter of an hour in the life of a shop, with a secondary, locks, slow and failing origins. */
export async function playScene(
  { cache, inspector }: InspectedApp,
  { apps, primaryUrl }: { apps: NestApps; primaryUrl: string },
): Promise<void> {
  await follow(apps, primaryUrl);
  // Samples are taken by the steps of the scene alone.
  inspector.sampler.close();
  for (let step = 0; step < SAMPLES; step++) {
    await playStep(cache, step);
    // The last step is still going on when the page is opened.
    if (step < SAMPLES - 1) await inspector.sampler.take();
    await sceneClock.advance(STEP);
  }
  await playOrigins(cache);
  await playJobs(cache);
  await cache.lock('report:nightly', { ttl: '10m', owner: 'worker-3 (pid 4711)' }).acquire();
  await cache.lock('import:catalogue', { ttl: '90s', owner: 'worker-1 (pid 4690)' }).acquire();
  for (const owner of ['worker-1 (pid 4690)', 'worker-2 (pid 4702)']) {
    await cache.semaphore('mail:send', { ttl: '45s', limit: 3, owner }).acquire();
  }
}

async function playStep(cache: HyperCache, step: number): Promise<void> {
  const wave = 1 + 0.5 * Math.sin(step / 14) + 0.2 * Math.sin(step / 3);
  const reads = Math.round(120 * wave);
  for (let read = 0; read < reads; read++) {
    const id = (read * 7919 + step * 104_729) % PRODUCTS;
    const product = { id, name: `Product ${id}`, price: 5 + id, seen: new Date(FIRST) };
    const options = { ttl: '1h', tags: ['products', `shelf:${id % 12}`] } as const;
    await cache.wrap(`product:${id}`, () => product, options);
    if (read % 11 === 0) await cache.get(`basket:${step}:${read}`);
  }
  const writes = Math.round(6 * wave + (step % 60 < 6 ? 20 : 0));
  for (let write = 0; write < writes; write++) {
    await cache.set(`basket:${step % 40}:${write}`, { items: [write, step] }, '20m');
  }
  if (step % 45 === 30) await cache.expireByTag(`shelf:${step % 12}`);
}

async function playJobs(cache: HyperCache): Promise<void> {
  const jobs = ['nightly-report', 'send-newsletter', 'expire-baskets', 'expire-baskets'];
  for (const name of jobs) await cache.runOnce(name, { window: '1h' }, () => delay(20));
  const fail = (): Promise<never> => Promise.reject(new TypeError('fetch failed'));
  await cache.runOnce('import-catalogue', { window: '1h' }, fail).catch(() => undefined);
}

/** Those of the exchange rates fail, those of the suppliers are slow. */
async function playOrigins(cache: HyperCache): Promise<void> {
  for (const rate of ['EUR', 'GBP', 'JPY']) {
    const fail = (): never => {
      throw new TypeError('fetch failed');
    };
    await cache.wrap(`rate:${rate}`, fail).catch(() => undefined);
  }
  for (const [at, supplier] of ['northwind', 'contoso', 'initech'].entries()) {
    await cache.wrap(`supplier:${supplier}`, () => delay(120 * (at + 1), { supplier }));
  }
}

/** A secondary of the node. */
async function follow(apps: NestApps, primaryUrl: string): Promise<void> {
  const secondary = await apps.context({
    imports: [
      HyperCacheModule.forRoot({
        role: 'secondary',
        primaryUrl,
        apiToken: SCENE_TOKEN,
        sqlitePath: apps.directory(),
        logger: false,
      }),
    ],
  });
  const cache = secondary.get(HyperCache);
  await eventually(() => expect(cache.health().replica?.isReady).toBe(true));
}
