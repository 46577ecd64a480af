import 'reflect-metadata';
import * as cacheManager from '@nestjs/cache-manager';
import * as common from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { HyperCache, HyperCacheModule } from 'nestjs-hypercache';
import { Keyv } from 'keyv';
import * as throttler from '@nestjs/throttler';
import * as ourThrottler from 'nestjs-hypercache/throttler';
import * as terminus from '@nestjs/terminus';
import { HyperCacheHealthIndicator } from 'nestjs-hypercache/terminus';
import { Registry } from 'prom-client';
import { registerHyperCacheMetrics } from 'nestjs-hypercache/prometheus';
import * as otelApi from '@opentelemetry/api';
import * as otel from '@opentelemetry/sdk-metrics';
import { HyperCacheInstrumentation } from 'nestjs-hypercache/otel';
import * as schedule from '@nestjs/schedule';
import * as ourSchedule from 'nestjs-hypercache/schedule';
import * as ourIdempotency from 'nestjs-hypercache/idempotency';
import { HyperCacheInspectorModule } from 'nestjs-hypercache/inspector';
import * as redisEngine from 'nestjs-hypercache/redis';
import scenario from './scenario.cjs';

const { ExpressAdapter, FastifyAdapter } = await import(`@nestjs/platform-${process.argv[2]}`);
const Adapter = ExpressAdapter ?? FastifyAdapter;
const { CACHE_MANAGER, CacheInterceptor } = cacheManager;
await scenario({
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
});
