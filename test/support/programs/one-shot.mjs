// A job that uses a secondary once, and says how each of its calls ended: none may be given up with the process.
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { HyperCache, HyperCacheModule } from '../../../dist/index.js';

const { options, calls } = JSON.parse(process.argv[2]);
const app = await NestFactory.createApplicationContext(
  { module: class JobModule {}, imports: [HyperCacheModule.forRoot(options)] },
  { logger: false },
);
const cache = app.get(HyperCache);
const known = {
  set: () => cache.set('key', 'value'),
  increment: () => cache.increment('visits'),
  wrap: () => cache.wrap('made', () => 'made'),
  acquire: () => cache.lock('job', { ttl: 1000 }).acquire(),
  wait: () => cache.lock('job', { ttl: 1000, wait: 500 }).acquire(),
  hold: () => cache.lock('held', { ttl: 60_000 }).acquire(),
  waitForHeld: () => cache.lock('held', { ttl: 60_000, wait: 300 }).acquire(),
  versioned: () => cache.getWithRevision('key'),
  flush: () => cache.flush(200),
};
for (const call of calls) {
  const ended = await known[call]().then(
    () => 'resolved',
    (error) => error.code,
  );
  process.stdout.write(`${call}: ${ended}\n`);
}
// Nothing is closed: what only looks after things does not keep the process.
