require('reflect-metadata');
const { CACHE_MANAGER, CacheInterceptor } = require('@nestjs/cache-manager');
const common = require('@nestjs/common');
const { NestFactory } = require('@nestjs/core');
const { HyperCache, HyperCacheModule } = require('nestjs-hypercache');
const { Keyv } = require('keyv');
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
}).catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
