// What every app of the matrix does; each hands in the packages as it loaded them.
const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { AsyncLocalStorage } = require('node:async_hooks');

const TOKEN = '7d1f0a94c2be8835-matrix-61c0d7be22af4390';
const VALUE = {
  id: 1,
  seen: new Date(0),
  stock: new Map([['red', 2n]]),
  raw: Buffer.from([0, 255]),
};

module.exports = async function scenario(packages) {
  const [platform, primaryPath, secondaryPath] = process.argv.slice(2);
  const { NestFactory, Adapter, CACHE_MANAGER, HyperCache, Keyv } = packages;

  async function start(options) {
    const app = await NestFactory.create(appModule(packages, options), new Adapter(), {
      logger: ['error', 'warn'],
    });
    assert.equal(app.getHttpAdapter().getType(), platform);
    await app.listen(0, '127.0.0.1');
    return {
      app,
      url: await app.getUrl(),
      cache: app.get(CACHE_MANAGER),
      hyper: app.get(HyperCache),
    };
  }
  const startPrimary = (listen) =>
    start({ role: 'primary', sqlitePath: primaryPath, apiToken: TOKEN, listen });
  const startSecondary = (port) =>
    start({
      role: 'secondary',
      primaryUrl: `http://127.0.0.1:${port}`,
      apiToken: TOKEN,
      signRequests: true,
      sqlitePath: secondaryPath,
    });

  const primary = await startPrimary(undefined);
  const secondary = await startSecondary(new URL(primary.url).port);

  await primary.cache.set('product', VALUE, 0);
  assert.deepEqual(await primary.cache.get('product'), VALUE, 'CACHE_MANAGER');
  await eventually(async () => assert.deepEqual(await secondary.cache.get('product'), VALUE));
  await secondary.cache.set('from-secondary', 'text', 60_000);
  assert.equal(await secondary.cache.get('from-secondary'), 'text', 'its own write');
  await secondary.hyper.flush();
  assert.equal(await primary.cache.get('from-secondary'), 'text', 'forwarded');
  assert.equal(await secondary.cache.wrap('wrapped', async () => 42, 1000), 42);
  // cache-manager's own method: undefined in 7, null in 6.
  assert.equal((await primary.cache.ttl('product')) ?? undefined, undefined, 'no deadline');
  assert.equal(await secondary.hyper.increment('visits', 2), 2);

  const first = await (await fetch(`${primary.url}/count`)).text();
  assert.equal(await (await fetch(`${primary.url}/count`)).text(), first, 'CacheInterceptor');

  for (const { url } of [primary, secondary]) {
    assert.equal((await fetch(`${url}/limited`)).status, 200, 'throttler');
  }
  for (const { url } of [primary, secondary]) {
    assert.equal((await fetch(`${url}/limited`)).status, 429, 'throttler, over its limit');
  }

  const registry = new packages.Registry();
  packages.registerHyperCacheMetrics(secondary.hyper, { registry });
  assert.match(await registry.metrics(), /^hypercache_replica_connected 1$/m, 'metrics');
  const instruments = await instrumentsOf(packages, secondary.hyper);
  assert.ok(instruments.includes('hypercache.replica.connected'), 'instruments');
  assert.ok(instruments.includes('hypercache.factory.duration'), 'instruments of what takes time');
  const { status, hypercache } = (await (await fetch(`${secondary.url}/health`)).json()).info;
  assert.equal(hypercache.status, 'up', `health: ${JSON.stringify({ status, hypercache })}`);
  for (const { url } of [primary, secondary]) {
    assert.equal((await fetch(`${url}/hypercache`)).status, 403, 'inspector, for a stranger');
    const page = await fetch(`${url}/hypercache/keys`, { headers: { 'x-admin': 'yes' } });
    assert.match(await page.text(), /<a class="key" href="[^"]+">product<\/a>/, 'inspector');
  }
  const paid = [];
  for (const { url } of [primary, secondary]) {
    const headers = { 'idempotency-key': 'one' };
    const response = await fetch(`${url}/paid`, { method: 'POST', headers });
    paid.push([response.status, response.headers.get('idempotency-replayed')]);
  }
  assert.deepEqual(
    paid,
    [
      [201, null],
      [201, 'true'],
    ],
    'Idempotent',
  );

  const ran = [];
  for (const { app } of [primary, secondary]) ran.push(await app.get('JOBS').nightly());
  assert.deepEqual(ran, ['ran', undefined], 'ClusterCron');
  assert.equal((await secondary.hyper.lastRun('nightly')).ok, true, 'lastRun');

  const held = primary.hyper.lock('job', { ttl: 60_000 });
  assert.equal(await held.acquire(), true);
  assert.equal(await secondary.hyper.lock('job', { ttl: 60_000 }).acquire(), false, 'held');
  const before = held.token;
  await held.release();
  await secondary.hyper.lock('job', { ttl: 60_000 }).run(({ token }) => assert.ok(token > before));

  const keyv = new Keyv({ store: primary.hyper.keyvStore(), namespace: 'a' });
  const other = new Keyv({ store: primary.hyper.keyvStore(), namespace: 'b' });
  await other.set('by-keyv', 'of b');
  await keyv.set('by-keyv', 'value', 60_000);
  assert.equal(await keyv.get('by-keyv'), 'value', 'Keyv');
  await keyv.clear();
  assert.equal(await keyv.get('by-keyv'), undefined, 'clear of Keyv');
  assert.equal(await other.get('by-keyv'), 'of b', 'another namespace of Keyv');

  await secondary.app.close();
  await primary.app.close();

  const again = await startPrimary(undefined);
  const follower = await startSecondary(new URL(again.url).port);
  assert.deepEqual(await again.cache.get('product'), VALUE, 'after a restart');
  assert.deepEqual(await follower.cache.get('product'), VALUE, 'after a restart of the secondary');
  assert.equal(await again.hyper.increment('visits'), 3);
  await follower.app.close();
  await again.app.close();

  await overRedis(packages.redisEngine, start);
};

/** Two equal applications on one server, where one is installed. */
async function overRedis({ redis }, start) {
  assert.throws(() => redis({ url: 'http://cache' }), { code: 'HC_OPTIONS_INVALID' });
  const [url, stop] = await startServer();
  if (url === undefined) return;
  try {
    const [one, other] = [
      await start({ engine: redis({ url }) }),
      await start({ engine: redis({ url }) }),
    ];
    const first = await (await fetch(`${one.url}/count`)).text();
    assert.equal(await (await fetch(`${other.url}/count`)).text(), first, 'a route over Redis');
    await one.cache.set('product', VALUE, 60_000);
    assert.deepEqual(await other.cache.get('product'), VALUE, 'a value over Redis');
    assert.equal((await fetch(`${one.url}/health`)).status, 200, 'health over Redis');
    await other.app.close();
    await one.app.close();
  } finally {
    stop();
  }
}

/** Nothing where redis-server is not installed. */
async function startServer() {
  const port = 20_000 + (process.pid % 10_000);
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', ''];
  const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'ignore'] });
  const isThere = await new Promise((resolve) => {
    child.once('error', () => resolve(false));
    child.once('exit', () => resolve(false));
    child.stdout.on('data', (text) => {
      if (String(text).includes('Ready to accept connections')) resolve(true);
    });
  });
  return isThere ? [`redis://127.0.0.1:${port}`, () => child.kill()] : [undefined, undefined];
}

function appModule(packages, options) {
  const { Module, Controller, Get, UseInterceptors, UseGuards } = packages;
  const { CacheInterceptor, HyperCacheModule, throttler, ourThrottler } = packages;
  const { ThrottlerGuard, ThrottlerModule } = throttler;
  const { HyperCacheThrottlerModule, HyperCacheThrottlerStorage } = ourThrottler;
  let count = 0;
  class CountController {
    count() {
      return { count: ++count };
    }
  }
  Controller('count')(CountController);
  UseInterceptors(CacheInterceptor)(CountController);
  const method = Object.getOwnPropertyDescriptor(CountController.prototype, 'count');
  Get()(CountController.prototype, 'count', method);

  class LimitedController {
    get() {
      return {};
    }
  }
  Controller('limited')(LimitedController);
  UseGuards(ThrottlerGuard)(LimitedController);
  const limited = Object.getOwnPropertyDescriptor(LimitedController.prototype, 'get');
  Get()(LimitedController.prototype, 'get', limited);

  const { HealthCheckService, TerminusModule } = packages.terminus;
  const { HyperCacheHealthIndicator, Inject } = packages;
  class HealthController {
    check() {
      return this.health.check([() => this.indicator.check()]);
    }
  }
  Controller('health')(HealthController);
  Inject(HealthCheckService)(HealthController.prototype, 'health');
  Inject(HyperCacheHealthIndicator)(HealthController.prototype, 'indicator');
  const check = Object.getOwnPropertyDescriptor(HealthController.prototype, 'check');
  Get()(HealthController.prototype, 'check', check);
  const { HyperCacheIdempotencyModule, Idempotent } = packages.ourIdempotency;
  class PaidController {
    pay() {
      return {};
    }
  }
  Controller('paid')(PaidController);
  const pay = Object.getOwnPropertyDescriptor(PaidController.prototype, 'pay');
  Idempotent()(PaidController.prototype, 'pay', pay);
  Object.defineProperty(PaidController.prototype, 'pay', pay);
  packages.Post()(PaidController.prototype, 'pay', pay);

  class AdminGuard {
    canActivate(context) {
      return context.switchToHttp().getRequest().headers['x-admin'] === 'yes';
    }
  }
  const inspector = packages.HyperCacheInspectorModule.forRoot({ guards: [AdminGuard] });

  class Jobs {
    nightly() {
      return 'ran';
    }
  }
  const { ScheduleModule } = packages.schedule;
  const { ClusterCron, HyperCacheScheduleModule } = packages.ourSchedule;
  const nightly = Object.getOwnPropertyDescriptor(Jobs.prototype, 'nightly');
  ClusterCron('0 3 * * *', { name: 'nightly', catchUp: true })(Jobs.prototype, 'nightly', nightly);
  Object.defineProperty(Jobs.prototype, 'nightly', nightly);
  packages.Injectable()(Jobs);

  class AppModule {}
  Module({
    imports: [
      HyperCacheModule.forRoot(options),
      inspector,
      ScheduleModule.forRoot(),
      HyperCacheScheduleModule,
      HyperCacheIdempotencyModule,
      HyperCacheThrottlerModule,
      TerminusModule,
      ThrottlerModule.forRootAsync({
        inject: [HyperCacheThrottlerStorage],
        useFactory: (storage) => ({ throttlers: [{ limit: 2, ttl: 60_000 }], storage }),
      }),
    ],
    controllers: [CountController, HealthController, LimitedController, PaidController],
    providers: [HyperCacheHealthIndicator, { provide: 'JOBS', useClass: Jobs }],
  })(AppModule);
  return AppModule;
}

async function eventually(assertion) {
  const deadline = performance.now() + 10_000;
  for (;;) {
    try {
      return await assertion();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

/** What a reader of OpenTelemetry's SDK gets of a node, in which a factory runs. */
async function instrumentsOf({ otel, otelApi, HyperCacheInstrumentation }, hyper) {
  class Reader extends otel.MetricReader {
    async onForceFlush() {}
    async onShutdown() {}
  }
  const reader = new Reader();
  const provider = new otel.MeterProvider({ readers: [reader] });
  const instrumentation = new HyperCacheInstrumentation();
  instrumentation.setMeterProvider(provider);
  instrumentation.observe(hyper);
  const span = activeSpanOf(otelApi, instrumentation);
  const seen = await hyper.wrap('instrumented', async () => otelApi.trace.getActiveSpan() === span);
  assert.equal(seen, true, 'the span is active in the factory');
  const { resourceMetrics, errors } = await reader.collect();
  assert.deepEqual(errors, []);
  instrumentation.disable();
  await provider.shutdown();
  return resourceMetrics.scopeMetrics.flatMap(({ metrics }) =>
    metrics.map(({ descriptor }) => descriptor.name),
  );
}

/** Makes contexts work, and every span of the instrumentation the same one, which is returned. */
function activeSpanOf({ context, ROOT_CONTEXT, trace }, instrumentation) {
  const store = new AsyncLocalStorage();
  context.setGlobalContextManager({
    active: () => store.getStore() ?? ROOT_CONTEXT,
    with: (active, work, self, ...args) => store.run(active, () => work.apply(self, args)),
    bind: (active, target) => target,
    enable: () => undefined,
    disable: () => undefined,
  });
  const span = trace.wrapSpanContext({
    traceId: '1'.repeat(32),
    spanId: '2'.repeat(16),
    traceFlags: 1,
  });
  instrumentation.setTracerProvider({ getTracer: () => ({ startSpan: () => span }) });
  return span;
}
