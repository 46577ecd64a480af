// A Nest application that is a node of a cluster, and works as its parent says, one message at a time.
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { HyperCache, HyperCacheModule } from '../../../dist/index.js';
import { HYPERCACHE_NODE } from '../../../dist/nest/hyper-cache.constants.js';
import { AcknowledgedWrites } from './cluster-member/acknowledged-writes.mjs';
import { wrapMany } from './cluster-member/factory.mjs';
import { JournaledWrites } from './cluster-member/journaled-writes.mjs';
import { LockRun } from './cluster-member/lock-run.mjs';
import { MixedRun } from './cluster-member/mixed-run.mjs';
import { SteadyLoad } from './cluster-member/steady-load.mjs';
import { config, serveParent } from './parent.mjs';

const app = await NestFactory.create(
  { module: class AppModule {}, imports: [HyperCacheModule.forRoot(config.options)] },
  new ExpressAdapter(),
  { logger: false },
);
await app.listen(config.port ?? 0, '127.0.0.1');
const cache = app.get(HyperCache);
const node = app.get(HYPERCACHE_NODE);
const writes = new AcknowledgedWrites(cache, config.name);
const locking = new LockRun(cache);
const journal = new JournaledWrites(cache, config.name);
const steady = new SteadyLoad(cache, config.name, config.options.sqlitePath);
const locks = new Map();
const lock = (name, options) => {
  if (!locks.has(name)) locks.set(name, cache.lock(name, options));
  return locks.get(name);
};
const targets = {
  cache,
  node,
  member: {
    mixedRun: (plan) => new MixedRun(node, config.name, plan).perform(),
    write: (concurrency) => writes.begin(concurrency),
    acknowledged: () => writes.acknowledged,
    endWriting: (file) => writes.end(file),
    beginJournal: (plan) => journal.begin(plan),
    journaled: () => journal.acknowledged,
    endJournal: () => journal.end(),
    beginLocking: () => locking.begin(),
    grants: () => locking.grants,
    endLocking: () => locking.end(),
    acquire: (name, options) => lock(name, options).acquire(options),
    isHeld: (name) => lock(name).isHeld,
    release: (name) => lock(name).release(),
    now: () => Date.now(),
    beginLoad: (perSecond) => steady.begin(perSecond),
    sample: () => steady.sample(),
    report: () => steady.report(),
    endLoad: () => steady.end(),
    /** What a caller gets whose origin is down. */
    wrapWhileDown: (key, policy) =>
      cache.wrapEntry(key, () => Promise.reject(new Error('the origin is down')), policy),
    wrapMany: (key, options) => wrapMany(cache, key, config.name, options),
  },
};

serveParent(targets, () => app.close());
