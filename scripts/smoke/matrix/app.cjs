require('reflect-metadata');
const { CACHE_MANAGER, CacheInterceptor } = require('@nestjs/cache-manager');
const common = require('@nestjs/common');
const { NestFactory } = require('@nestjs/core');
const { HyperCache, HyperCacheModule } = require('nestjs-hypercache');
const { Keyv } = require('keyv');
const throttler = require('@nestjs/throttler');
const ourThrottler = require('nestjs-hypercache/throttler');
const terminus = require('@nestjs/terminus');
const { HyperCacheHealthIndicator } = require('nestjs-hypercache/terminus');
const { Registry } = require('prom-client');
const { registerHyperCacheMetrics } = require('nestjs-hypercache/prometheus');
const otelApi = require('@opentelemetry/api');
const otel = require('@opentelemetry/sdk-metrics');
const { HyperCacheInstrumentation } = require('nestjs-hypercache/otel');
const schedule = require('@nestjs/schedule');
const ourSchedule = require('nestjs-hypercache/schedule');
const ourIdempotency = require('nestjs-hypercache/idempotency');
const { HyperCacheInspectorModule } = require('nestjs-hypercache/inspector');
const redisEngine = require('nestjs-hypercache/redis');
const scenario = require('./scenario.cjs');

const { ExpressAdapter, FastifyAdapter } = require(`@nestjs/platform-${process.argv[2]}`);
const Adapter = ExpressAdapter ?? FastifyAdapter;
scenario({
  ...common,
  NestFactory,
  Adapter,
  CACHE_MANAGER,
  CacheInterceptor,
  HyperCache,
  HyperCacheModule,
  Keyv,
  schedule,
  ourSchedule,
  ourIdempotency,
  throttler,
  ourThrottler,
  terminus,
  HyperCacheHealthIndicator,
  Registry,
  registerHyperCacheMetrics,
  otel,
  otelApi,
  HyperCacheInstrumentation,
  HyperCacheInspectorModule,
  redisEngine,
}).catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
