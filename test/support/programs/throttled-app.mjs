// An application that throttles by @nestjs/throttler, with the storage of the built library, found by its name.
import { clock } from './moved-clock.mjs';
import 'reflect-metadata';
import { Controller, Get, Post } from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import {
  seconds,
  SkipThrottle,
  Throttle,
  ThrottlerGuard,
  ThrottlerModule,
} from '@nestjs/throttler';
import { HyperCache, HyperCacheModule } from 'nestjs-hypercache';
import { HyperCacheThrottlerModule, HyperCacheThrottlerStorage } from 'nestjs-hypercache/throttler';
import { config, serveParent } from './parent.mjs';

/** What TypeScript makes of decorators. */
function decorate(target, decorators, methods = {}) {
  for (const [name, each] of Object.entries(methods)) {
    const descriptor = Object.getOwnPropertyDescriptor(target.prototype, name);
    for (const decorator of each) decorator(target.prototype, name, descriptor);
  }
  for (const decorator of decorators) decorator(target);
  return target;
}

// The controllers of the package's own tests.
class AppController {
  test() {
    return { success: true };
  }
  ignored() {
    return { ignored: true };
  }
  ignoreUserAgents() {
    return { ignored: true };
  }
}
decorate(AppController, [Controller(), Throttle({ default: { limit: 2, ttl: seconds(10) } })], {
  test: [Get()],
  ignored: [Get('ignored'), SkipThrottle()],
  ignoreUserAgents: [Get('ignore-user-agents')],
});

class LimitController {
  getThrottled() {
    return { success: true };
  }
  getHigher() {
    return { success: true };
  }
}
const five = { limit: 2, ttl: seconds(10), blockDuration: seconds(5) };
decorate(LimitController, [Controller('limit'), Throttle({ default: five })], {
  getThrottled: [Get()],
  getHigher: [
    Get('higher'),
    Throttle({ default: { limit: 5, ttl: seconds(10), blockDuration: seconds(15) } }),
  ],
});

class DefaultController {
  getDefault() {
    return { success: true };
  }
}
decorate(DefaultController, [Controller('default')], { getDefault: [Get()] });

class ThrottleTestController {
  testThrottle() {
    return { code: 'THROTTLE_TEST' };
  }
}
decorate(ThrottleTestController, [Controller('test/throttle')], {
  testThrottle: [Post(), Throttle({ default: { limit: 1, ttl: 1000, blockDuration: 1000 } })],
});

const throttlers = config.throttlers ?? [
  { limit: 5, ttl: seconds(60), blockDuration: seconds(20) },
];
const all = throttlers.map((one) => ({ ...one, ignoreUserAgents: [/throttler-test/] }));
const skips = config.skips === true ? { skipIf: () => true } : {};
const imports = [
  HyperCacheModule.forRoot(config.options),
  config.throttlerOptions === undefined
    ? HyperCacheThrottlerModule
    : HyperCacheThrottlerModule.forRoot(config.throttlerOptions),
  ThrottlerModule.forRootAsync({
    inject: [HyperCacheThrottlerStorage],
    useFactory: (storage) => ({ throttlers: all, storage, ...skips }),
  }),
];
const adapter = config.platform === 'Fastify' ? new FastifyAdapter() : new ExpressAdapter();
const app = await NestFactory.create(
  {
    module: class AppModule {},
    imports,
    controllers: [AppController, LimitController, DefaultController, ThrottleTestController],
    providers: [{ provide: APP_GUARD, useClass: ThrottlerGuard }],
  },
  adapter,
  { logger: false },
);
await app.listen(config.port ?? 0, '127.0.0.1');

const cache = app.get(HyperCache);
const events = [];
cache.on('error', ({ error, during }) => void events.push(`${error.code} while ${during}`));
const storage = app.get(HyperCacheThrottlerStorage);
const targets = {
  app: { url: () => app.getUrl(), events: () => events },
  cache,
  clock,
  storage,
};

serveParent(targets, () => app.close());
