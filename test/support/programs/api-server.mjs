// A Nest application that serves the API, and tells its parent how it bears what comes.
import 'reflect-metadata';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { HyperCache, HyperCacheApi, HyperCacheModule } from '../../../dist/index.js';
import { config, serveParent } from './parent.mjs';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc');

const log = [];
const events = [];
const hear = (text) => void log.push(String(text));
process.stdout.write = process.stderr.write = (text) => hear(text) === undefined;
const logger = { log: hear, warn: hear, error: hear };

const adapter = config.platform === 'Fastify' ? new FastifyAdapter() : new ExpressAdapter();
const app = await NestFactory.create(
  {
    module: class AppModule {},
    imports: [HyperCacheModule.forRoot({ ...config.options, logger })],
  },
  adapter,
  { logger: ['error', 'warn', 'fatal'] },
);
await app.listen(0, '127.0.0.1');
const cache = app.get(HyperCache);
for (const event of ['error', 'recovered'])
  cache.on(event, (told) => void events.push(describe(told)));

let peakRss = 0;
setInterval(() => (peakRss = Math.max(peakRss, process.memoryUsage.rss())), 20);

/** Everything that an error, or what holds one, would show. */
function describe(told) {
  return JSON.stringify(told, (_name, value) =>
    value instanceof Error ? { ...value, message: value.message, stack: value.stack } : value,
  );
}

const targets = {
  cache,
  server: {
    url: async () => app.get(HyperCacheApi).url ?? `${await app.getUrl()}/api/hypercache`,
    /** After a collection of garbage. */
    vitals: async () => {
      for (let i = 0; i < 4; i++) {
        await new Promise((resolve) => setImmediate(resolve));
        gc();
      }
      const { heapUsed, external, rss } = process.memoryUsage();
      const polluted = {}.polluted !== undefined || [].polluted !== undefined;
      const prototypes = [Object, Array, Function, Map, Promise].flatMap((each) =>
        Reflect.ownKeys(each.prototype).map(String),
      );
      return { heldBytes: heapUsed + external, rss, peakRss, polluted, prototypes };
    },
    log: () => log,
    events: () => events,
  },
};

serveParent(targets, () => app.close());
