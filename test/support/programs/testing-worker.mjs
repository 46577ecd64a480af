// A worker of a test runner, with applications of the built library. It does one step for each message, and ends by itself.
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { HyperCache } from 'nestjs-hypercache';
import {
  createTestCluster,
  faultsOf,
  HyperCacheTestingModule,
  TestClock,
} from 'nestjs-hypercache/testing';
import { once } from 'node:events';

class AppModule {}
const startApp = () =>
  NestFactory.createApplicationContext(
    { module: AppModule, imports: [HyperCacheTestingModule.forTest({ clock: new TestClock() })] },
    { logger: false },
  );
const answer = (value) => new Promise((resolve) => process.send(value, resolve));
/** What keeps a process alive, but for the channel to its parent and its output. */
const resources = () =>
  process.getActiveResourcesInfo().filter((name) => !/^(PipeWrap|Pipe|TTYWrap)$/.test(name));

const app = await startApp();
const cache = app.get(HyperCache);
await cache.set('key', process.pid);
await cache.lock('job', { ttl: '1m' }).acquire();
await answer('written');
await once(process, 'message');
const others = await cache.get('key');
const isLocked = (await cache.inspectLock('job')) !== undefined;
await answer({ value: others, isLocked });

await once(process, 'message');
const times = [];
for (let i = 0; i < 20; i++) {
  const began = performance.now();
  const one = await startApp();
  times.push(performance.now() - began);
  await one.close();
}
await answer({ first: times[0], fastest: Math.min(...times) });

await once(process, 'message');
for (const network of [false, true]) {
  const cluster = await createTestCluster({ nodes: 2, network });
  await cluster.node(1).cache.set('key', 1);
  cluster.partition(1);
  cluster.delay(0, 5);
  await cluster.kill(1);
  cluster.heal();
  await cluster.restart(1);
  await cluster.settle();
  await cluster.close();
}
await faultsOf(app).corrupt();
await app.close();
// What is closed is closed in the next turns of the event loop.
for (let turn = 0; turn < 50 && resources().length > 0; turn++) {
  await new Promise((resolve) => setImmediate(resolve));
}
await answer(resources());
process.disconnect();
