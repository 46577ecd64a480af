import { beforeEach, describe, expect, it } from '@jest/globals';
import { Cache, CACHE_MANAGER } from '@nestjs/cache-manager';
import {
  Controller,
  Get,
  Inject,
  Injectable,
  Module,
  type BeforeApplicationShutdown,
  type INestApplicationContext,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { HyperCache, HyperCacheModule, type HyperCacheOptions } from 'nestjs-hypercache';
import { deferred } from '../support/deferred.js';
import { PLATFORMS, useNestApps } from '../support/nest-apps.js';

const apps = useNestApps();
let directory = '';
beforeEach(() => {
  directory = apps.directory();
});

function start(options: HyperCacheOptions = {}): Promise<INestApplicationContext> {
  return apps.context({
    imports: [HyperCacheModule.forRoot({ sqlitePath: directory, ...options })],
  });
}

const OPEN_FILES = '/proc/self/fd';

/** Files of this process whose path begins so; empty where the system does not tell. */
function openFiles(prefix: string): string[] {
  if (!existsSync(OPEN_FILES)) return [];
  return readdirSync(OPEN_FILES)
    .map((fd) => {
      try {
        return readlinkSync(join(OPEN_FILES, fd));
      } catch {
        return '';
      }
    })
    .filter((path) => path.startsWith(prefix));
}

/** Runs an application in a process of its own until that ends by itself; what it has printed. */
async function runToItsEnd(config: object): Promise<string> {
  const program = fileURLToPath(new URL('../support/programs/nest-app.mjs', import.meta.url));
  const args = [program, JSON.stringify(config)];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 20_000 });
  return stdout;
}

describe('app.close()', () => {
  it.each(['relaxed', 'normal', 'full'] as const)(
    "commits what waits, with durability '%s'",
    async (durability) => {
      const app = await start({ durability });
      const manager = app.get<Cache>(CACHE_MANAGER);
      const writes = Array.from({ length: 2000 }, (_, i) => manager.set(`key:${i}`, i));

      await app.close();
      await Promise.all(writes);

      const after = (await start({ durability })).get(HyperCache);
      await expect(after.mget(['key:0', 'key:1999'])).resolves.toEqual([0, 1999]);
      await expect(after.stats()).resolves.toMatchObject({ l2: { entries: 2000 } });
    },
  );

  it('may be called again, and at the same time', async () => {
    const app = await start();

    await Promise.all([app.close(), app.close()]);
    await app.close();
  });

  it('makes writes fail with HC_CLOSED, and reads misses', async () => {
    const app = await start({ l1: false });
    const cache = app.get(HyperCache);
    const manager = app.get<Cache>(CACHE_MANAGER);
    await cache.set('key', 'value');
    await app.close();

    const writes: (() => Promise<unknown>)[] = [
      () => cache.set('key', 1),
      () => cache.mset([{ key: 'key', value: 1 }]),
      () => cache.add('new', 1),
      () => cache.setIf('key', 1, 0),
      () => cache.del('key'),
      () => cache.pull('key'),
      () => cache.touch('key'),
      () => cache.increment('counter'),
      () => cache.clear(),
      () => cache.delByPrefix('k'),
      () => cache.delByTag('tag'),
      () => manager.set('key', 1),
      () => manager.del('key'),
      () => manager.clear(),
    ];

    for (const write of writes) await expect(write()).rejects.toMatchObject({ code: 'HC_CLOSED' });
    await expect(cache.get('key')).resolves.toBeUndefined();
    await expect(manager.get('key')).resolves.toBeUndefined();
    await expect(cache.wrap('key', () => 'made')).resolves.toBe('made');
  });

  it.each([['without HTTP', undefined], ...PLATFORMS.map((name) => [`on ${name}`, name])])(
    'leaves nothing that keeps the process alive, %s',
    async (_where, platform) => {
      const options = { sqlitePath: directory, sweepInterval: 1, durability: 'relaxed' };

      await expect(runToItsEnd({ platform, options, closes: true })).resolves.toBe('done');

      expect(readdirSync(directory)).toEqual(['hypercache.sqlite']);
    },
  );

  it('need not be called for a process to end: an idle cache keeps none alive', async () => {
    const options = { sqlitePath: directory, sweepInterval: 1, durability: 'relaxed' };

    await expect(runToItsEnd({ options, closes: false })).resolves.toBe('done');

    await expect((await start()).get(HyperCache).get('key')).resolves.toBe('value');
  });

  it('leaves no file open', async () => {
    const app = await start();
    await app.get(HyperCache).set('key', 'value');
    if (existsSync(OPEN_FILES)) expect(openFiles(directory)).not.toEqual([]);

    await app.close();

    expect(openFiles(directory)).toEqual([]);
  });

  it('waits for a request in flight, which may still write', async () => {
    const arrived = deferred<void>();
    const proceed = deferred<void>();
    @Controller()
    class SlowController {
      constructor(private readonly cache: HyperCache) {}
      @Get()
      async slow(): Promise<string> {
        arrived.resolve();
        await proceed.promise;
        await this.cache.set('from the request', 1);
        return 'done';
      }
    }
    const { app, url } = await apps.listen('Express', {
      imports: [HyperCacheModule.forRoot({ sqlitePath: directory })],
      controllers: [SlowController],
    });
    const response = fetch(url, { headers: { connection: 'close' } });
    await arrived.promise;

    const closing = app.close();
    proceed.resolve();
    await closing;

    await expect((await response).text()).resolves.toBe('done');
    await expect((await start()).get(HyperCache).get('from the request')).resolves.toBe(1);
  });
});

describe('the hooks of other providers', () => {
  @Injectable()
  class Worker
    implements
      OnModuleInit,
      OnApplicationBootstrap,
      OnModuleDestroy,
      BeforeApplicationShutdown,
      OnApplicationShutdown
  {
    constructor(
      @Inject(CACHE_MANAGER) private readonly manager: Cache,
      private readonly cache: HyperCache,
    ) {}
    onModuleInit = (): Promise<void> => this.note('onModuleInit');
    onApplicationBootstrap = (): Promise<void> => this.note('onApplicationBootstrap');
    onModuleDestroy = (): Promise<void> => this.note('onModuleDestroy');
    beforeApplicationShutdown = (): Promise<void> => this.note('beforeApplicationShutdown');
    onApplicationShutdown = (): Promise<void> => this.note('onApplicationShutdown');

    private async note(hook: string): Promise<void> {
      await this.manager.set(`${hook} by CACHE_MANAGER`, await this.cache.increment('hooks'));
      await this.cache.set(`${hook} by HyperCache`, true);
    }
  }
  @Module({ providers: [Worker] })
  class WorkerModule {}

  const HOOKS = [
    'onModuleInit',
    'onApplicationBootstrap',
    'onModuleDestroy',
    'beforeApplicationShutdown',
    'onApplicationShutdown',
  ];

  it.each([
    ['in the root module', () => ({ providers: [Worker] })],
    ['in a module of its own', () => ({ imports: [WorkerModule] })],
    [
      'in the module that imports HyperCacheModule',
      () => {
        @Module({
          imports: [HyperCacheModule.forRoot({ sqlitePath: directory, isGlobal: false })],
          providers: [Worker],
        })
        class OwnerModule {}
        return { imports: [OwnerModule] };
      },
    ],
  ])('may use the cache to the very end, %s', async (where, metadata) => {
    const own = metadata();
    const root = HyperCacheModule.forRoot({ sqlitePath: directory });
    const imports = 'imports' in own ? own.imports : [];
    const app = await apps.context({
      ...own,
      imports: where.endsWith('HyperCacheModule') ? imports : [root, ...imports],
    });
    await app.close();

    const after = (await start()).get(HyperCache);

    const keys = HOOKS.map((hook) => `${hook} by CACHE_MANAGER`);
    await expect(after.mget(keys)).resolves.toEqual([1, 2, 3, 4, 5]);
    const others = HOOKS.map((hook) => `${hook} by HyperCache`);
    await expect(after.mget(others)).resolves.toEqual([true, true, true, true, true]);
  });
});
