// Starts a Nest application on the built library and uses its cache; closes it when told to. Then there is nothing
// left to do, so the process ends, unless something keeps it alive.
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { getHyperCacheToken, HyperCache, HyperCacheModule } from '../../../dist/index.js';

const { platform, options, closes } = JSON.parse(process.argv[2]);
const module = {
  module: class AppModule {},
  imports: [HyperCacheModule.forRoot(options), HyperCacheModule.forFeature({ name: 'sessions' })],
};

let app;
if (platform === undefined) {
  app = await NestFactory.createApplicationContext(module, { logger: false });
} else {
  const adapter = platform === 'Express' ? new ExpressAdapter() : new FastifyAdapter();
  app = await NestFactory.create(module, adapter, { logger: false });
  await app.listen(0, '127.0.0.1');
}
const cache = app.get(HyperCache);
await cache.set('key', 'value');
await cache.wrap('wrapped', () => 'made', { ttl: 1000, refreshThreshold: 2000 });
await app.get(getHyperCacheToken('sessions'), { strict: false }).clear();
await cache.lock('lock', { ttl: 60_000 }).run(() => undefined);
if (closes) await app.close();
process.stdout.write('done');
