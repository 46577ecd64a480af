// An application with one cached route of 10 kB of JSON, in a process of its own, on the platform and with the
// interceptor that its argument names.
import 'reflect-metadata';
import { CacheInterceptor, CacheModule } from '@nestjs/cache-manager';
import { Controller, Get, UseInterceptors } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { dist } from './library.mjs';
import { large } from './workload.mjs';

const { HttpCache, HttpCacheInterceptor, HyperCacheModule } = await import(
  new URL('index.js', dist).href
);

const { platform, kind, sqlitePath, isolation } = JSON.parse(process.argv[2]);
// This process ends with its parent, even if the parent is killed.
process.once('disconnect', () => process.exit());

const ours = () => HyperCacheModule.forRoot({ sqlitePath, isolation, logger: false });
const kinds = {
  none: [ours, []],
  memory: [() => CacheModule.register({ isGlobal: true }), [UseInterceptors(CacheInterceptor)]],
  hyperCache: [ours, [UseInterceptors(CacheInterceptor)]],
  value: [ours, [UseInterceptors(HttpCacheInterceptor), HttpCache({ ttl: '1h' })]],
  body: [ours, [UseInterceptors(HttpCacheInterceptor), HttpCache({ ttl: '1h', store: 'body' })]],
};
const [module, decorators] = kinds[kind];

class Page {
  read() {
    return large.make(1);
  }
}

// Calls replace decorators, because this file runs without a compiler.
Controller()(Page);
const descriptor = Object.getOwnPropertyDescriptor(Page.prototype, 'read');
for (const decorate of [Get('page'), ...decorators]) decorate(Page.prototype, 'read', descriptor);

class AppModule {}
const app = await NestFactory.create(
  { module: AppModule, imports: [module()], controllers: [Page] },
  platform === 'Express' ? new ExpressAdapter() : new FastifyAdapter(),
  { logger: ['error'] },
);
await app.listen(0, '127.0.0.1');
// A contender waits while the others have their turns.
app.getHttpServer().keepAliveTimeout = 0;
process.on('message', async (message) => {
  if (message === 'cpu') {
    const { user, system } = process.cpuUsage();
    process.send({ cpu: (user + system) * 1000 });
    return;
  }
  await app.close();
  process.disconnect();
});
process.send({ port: app.getHttpServer().address().port });
