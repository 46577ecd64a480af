// An application with a job of @ClusterCron, on the built library, found by its name. Its parent may call the job by hand.
import { clock } from './moved-clock.mjs';
import 'reflect-metadata';
import { appendFileSync } from 'node:fs';
import { Injectable } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { ScheduleModule } from '@nestjs/schedule';
import { HyperCache, HyperCacheModule } from 'nestjs-hypercache';
import { ClusterCron, HyperCacheScheduleModule } from 'nestjs-hypercache/schedule';
import { config, serveParent } from './parent.mjs';

clock.setBack(config.setBackMs ?? 0);
clock.advance(config.advanceMs ?? 0);

const NAME = 'nightly';
const parts = {};

class Jobs {
  async nightly() {
    const { slot } = await parts.cache.lastRun(NAME);
    appendFileSync(config.journal, `${slot} ${config.label}\n`);
    if (config.hangs) await new Promise(() => undefined);
    return slot;
  }
}
const { cron = '0 0 3 * * *', on, catchUp } = config;
const options = { name: NAME, timeZone: 'Europe/Berlin', ttl: 500, on, catchUp };
const descriptor = Object.getOwnPropertyDescriptor(Jobs.prototype, 'nightly');
ClusterCron(cron, options)(Jobs.prototype, 'nightly', descriptor);
Object.defineProperty(Jobs.prototype, 'nightly', descriptor);
Injectable()(Jobs);

const app = await NestFactory.create(
  {
    module: class AppModule {},
    imports: [
      HyperCacheModule.forRoot(config.options),
      ScheduleModule.forRoot(),
      HyperCacheScheduleModule,
    ],
    providers: [Jobs],
  },
  new ExpressAdapter(),
  { logger: false },
);
const cache = (parts.cache = app.get(HyperCache));
const outcomes = [];
const errors = [];
cache.on('run', ({ outcome }) => void outcomes.push(outcome));
cache.on('error', ({ during }) => void errors.push(during));
await app.listen(config.port ?? 0, '127.0.0.1');

const jobs = app.get(Jobs);
const targets = {
  app: { url: () => app.getUrl(), outcomes: () => outcomes, errors: () => errors },
  jobs: { call: () => jobs.nightly(), begin: () => void jobs.nightly() },
  cache,
  clock,
};

serveParent(targets, () => app.close());
