// A primary and a secondary under a load that you can change, with health checks, metrics and traces on.
import 'reflect-metadata';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { HyperCacheOptions } from 'nestjs-hypercache';
import { AppModule } from './app.module.js';

const STORAGE =
  process.env['STORAGE'] ?? fileURLToPath(new URL('../../../storage/observed/', import.meta.url));
const firstPort = Number(process.env['PORT'] ?? 3000);
const apiToken = randomBytes(32).toString('hex');

async function start(place: number, options: HyperCacheOptions): Promise<INestApplication> {
  const module = AppModule.forNode({ ...options, apiToken });
  const app = await NestFactory.create(module, { logger: ['warn', 'error', 'fatal'] });
  await app.listen(firstPort === 0 ? 0 : firstPort + place, '127.0.0.1');
  return app;
}

const primary = await start(0, { role: 'primary', sqlitePath: join(STORAGE, 'primary') });
const primaryUrl = await primary.getUrl();
const secondary = await start(1, {
  role: 'secondary',
  primaryUrl,
  sqlitePath: join(STORAGE, 'secondary'),
});
const secondaryUrl = await secondary.getUrl();

console.log(`A primary on ${primaryUrl}, a secondary on ${secondaryUrl}. Of each:

  ${primaryUrl}/hypercache the inspector (nestjs-hypercache/inspector)
  ${primaryUrl}/health     what a probe asks (nestjs-hypercache/terminus)
  ${primaryUrl}/metrics    what Prometheus reads (nestjs-hypercache/prometheus)
  ${primaryUrl}/load       the load, and what it did not get

  curl -X POST '${secondaryUrl}/load?reads=2000&writes=200'
  curl -X POST '${primaryUrl}/load?delay=2000&failures=0.5'

OTEL=console prints spans and metrics of OpenTelemetry. npm run dashboards shows all of it in Prometheus and Grafana.
Ctrl-C stops both.`);

/** The secondary first, so that its last writes reach the primary. */
async function stop(): Promise<void> {
  await secondary.close();
  await primary.close();
  process.exit(0);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop());
