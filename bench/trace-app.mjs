// The application that receives the trace, in a process of its own: product pages behind a CACHE_MANAGER that its
// argument chooses.
import 'reflect-metadata';
import { setTimeout as sleep } from 'node:timers/promises';
import { CACHE_MANAGER, CacheModule } from '@nestjs/cache-manager';
import { Controller, Get, Inject, Param } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Workshop } from './contenders.mjs';
import { dist } from './library.mjs';
import { openKeyvRedis, openKeyvSqlite } from './peers.mjs';
import { large } from './workload.mjs';

const { HyperCacheModule } = await import(new URL('index.js', dist).href);

const { kind, directory, redisPort, originMs } = JSON.parse(process.argv[2]);
const workshop = new Workshop(directory);
// This process ends with its parent, even if the parent is killed.
process.once('disconnect', () => process.exit());

const modules = {
  hyperCache: () => HyperCacheModule.forRoot({ sqlitePath: workshop.path(), logger: false }),
  memory: () => CacheModule.register({ isGlobal: true }),
  redis: async () => over(await openKeyvRedis(workshop, { port: redisPort })),
  sqlite: async () => over(await openKeyvSqlite(workshop)),
};

/** A module whose CACHE_MANAGER is this. */
function over(cache) {
  class PeerModule {}
  const provider = { provide: CACHE_MANAGER, useValue: cache };
  return { module: PeerModule, global: true, providers: [provider], exports: [provider] };
}

let originReads = 0;

class Pages {
  #cache;

  constructor(cache) {
    this.#cache = cache;
  }

  page(id) {
    return this.#cache.wrap(`page:${id}`, async () => {
      originReads++;
      await sleep(originMs);
      return large.make(Number(id));
    });
  }

  reads() {
    return { originReads };
  }
}

// Calls replace decorators, because this file runs without a compiler.
Controller()(Pages);
Inject(CACHE_MANAGER)(Pages, undefined, 0);
Param('id')(Pages.prototype, 'page', 0);
for (const [method, path] of [
  ['page', 'pages/:id'],
  ['reads', 'reads'],
]) {
  Get(path)(Pages.prototype, method, Object.getOwnPropertyDescriptor(Pages.prototype, method));
}

class AppModule {}
const app = await NestFactory.create(
  { module: AppModule, imports: [await modules[kind]()], controllers: [Pages] },
  { logger: ['error'] },
);
await app.listen(0, '127.0.0.1');
process.once('message', async () => {
  await app.close();
  await workshop.close();
  process.disconnect();
});
process.send({ url: await app.getUrl() });
