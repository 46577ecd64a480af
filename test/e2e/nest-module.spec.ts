import { beforeEach, describe, expect, it } from '@jest/globals';
import { Cache, CACHE_MANAGER } from '@nestjs/cache-manager';
import { Inject, Injectable, Module, type DynamicModule } from '@nestjs/common';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  HyperCache,
  HyperCacheModule,
  type HyperCacheOptions,
  type HyperCacheAsyncOptions,
  type HyperCacheOptionsFactory,
} from 'nestjs-hypercache';
import { LEFT_OPEN, useNestApps } from '../support/nest-apps.js';

@Injectable()
class Consumer {
  constructor(
    @Inject(CACHE_MANAGER) readonly manager: Cache,
    readonly cache: Cache,
    readonly hyperCache: HyperCache,
  ) {}
}

@Module({ providers: [Consumer], exports: [Consumer] })
class ConsumerModule {}

const apps = useNestApps();
let directory = '';
beforeEach(() => {
  directory = apps.directory();
});

const root = (options: HyperCacheOptions = {}): DynamicModule =>
  HyperCacheModule.forRoot({ sqlitePath: directory, ...options });

const fileIn = (path: string): string => join(path, 'hypercache.sqlite');

describe('HyperCacheModule.forRoot', () => {
  it('provides CACHE_MANAGER, Cache and HyperCache to every module, on the same entries', async () => {
    const app = await apps.context({
      imports: [root(), ConsumerModule],
    });
    const { manager, cache, hyperCache } = app.get(Consumer, { strict: false });

    expect(cache).toBe(manager);
    await manager.set('a', 1);
    await hyperCache.set('b', 2);

    await expect(hyperCache.get('a')).resolves.toBe(1);
    await expect(manager.get('b')).resolves.toBe(2);
  });

  it('takes ttl and namespace for CACHE_MANAGER and HyperCache', async () => {
    const app = await apps.context({
      imports: [root({ ttl: 60_000, namespace: 'mine' })],
      providers: [Consumer],
    });
    const { manager, hyperCache } = app.get(Consumer);
    await manager.set('a', 1);
    await hyperCache.set('b', 2);

    expect(hyperCache.namespace).toBe('mine');
    await expect(manager.ttl('a')).resolves.toBeGreaterThan(Date.now());
    await expect(hyperCache.ttl('b')).resolves.toBeGreaterThan(Date.now());
    await expect(hyperCache.stats()).resolves.toMatchObject({ caches: { mine: { sets: 2 } } });
  });

  it.each([
    ['nothing', () => HyperCacheModule.forRoot()],
    ['an empty object', () => HyperCacheModule.forRoot({})],
    ["the role 'primary'", () => HyperCacheModule.forRoot('primary')],
    ['options of undefined', () => HyperCacheModule.forRoot({ sqlitePath: undefined })],
  ])('given %s takes the rest from the environment', async (_what, forRoot) => {
    const path = join(directory, 'from', 'environment');
    process.env['HYPERCACHE_SQLITE_PATH'] = path;
    process.env['HYPERCACHE_SERVER_ROLE'] = 'primary';
    process.env['HYPERCACHE_TIMEOUT'] = '500';
    process.env['HYPERCACHE_ASYNC'] = 'false';

    const app = await apps.context({ imports: [forRoot()] });

    await expect(app.get(HyperCache).stats()).resolves.toMatchObject({ role: 'primary' });
    expect(existsSync(fileIn(path))).toBe(true);
  });

  it('prefers what the code says to the environment', async () => {
    process.env['HYPERCACHE_SQLITE_PATH'] = join(directory, 'environment');
    process.env['HYPERCACHE_SERVER_ROLE'] = 'secondary';

    await apps.context({
      imports: [HyperCacheModule.forRoot({ role: 'primary', sqlitePath: join(directory, 'code') })],
    });

    expect(existsSync(fileIn(join(directory, 'code')))).toBe(true);
    expect(existsSync(join(directory, 'environment'))).toBe(false);
  });

  it('takes an empty variable for none', async () => {
    process.env['HYPERCACHE_SERVER_ROLE'] = '';
    process.env['HYPERCACHE_TIMEOUT'] = '';

    const app = await apps.context({
      imports: [root()],
    });

    expect(app.get(HyperCache)).toBeInstanceOf(HyperCache);
  });

  it('with isGlobal false provides the cache only to modules that import it', async () => {
    @Module({ imports: [root({ isGlobal: false, ...LEFT_OPEN })], providers: [Consumer] })
    class Inside {}
    @Module({ providers: [Consumer] })
    class Outside {}

    const app = await apps.context({ imports: [Inside] });
    expect(app.select(Inside).get(Consumer).hyperCache).toBeInstanceOf(HyperCache);
    await app.close();

    await expect(apps.context({ imports: [Inside, Outside] })).rejects.toThrow(/resolve.*Consumer/);
  });

  it('with isGlobal false can be handed on by the module that imports it', async () => {
    @Module({
      imports: [root({ isGlobal: false })],
      exports: [HyperCacheModule],
    })
    class Shared {}
    @Module({ imports: [Shared], providers: [Consumer] })
    class First {}
    @Module({ imports: [Shared], providers: [Consumer] })
    class Second {}

    const app = await apps.context({ imports: [First, Second] });

    const first = app.select(First).get(Consumer);
    expect(app.select(Second).get(Consumer).manager).toBe(first.manager);
  });
});

describe('HyperCacheModule.forRootAsync', () => {
  @Injectable()
  class Settings implements HyperCacheOptionsFactory {
    static path = '';
    createHyperCacheOptions(): Promise<HyperCacheOptions> {
      return Promise.resolve({ sqlitePath: Settings.path, namespace: 'of the factory' });
    }
  }
  @Module({ providers: [Settings], exports: [Settings] })
  class SettingsModule {}

  beforeEach(() => {
    Settings.path = directory;
  });

  it.each<[string, () => DynamicModule]>([
    [
      'useFactory that returns',
      () =>
        HyperCacheModule.forRootAsync({
          useFactory: () => ({ sqlitePath: Settings.path, namespace: 'of the factory' }),
        }),
    ],
    [
      'useFactory that awaits',
      () =>
        HyperCacheModule.forRootAsync({
          useFactory: async () => ({ sqlitePath: Settings.path, namespace: 'of the factory' }),
        }),
    ],
    [
      'useFactory with inject and imports',
      () =>
        HyperCacheModule.forRootAsync({
          imports: [SettingsModule],
          inject: [Settings],
          useFactory: (settings: Settings) => settings.createHyperCacheOptions(),
        }),
    ],
    ['useClass', () => HyperCacheModule.forRootAsync({ useClass: Settings })],
    [
      'useExisting with imports',
      () => HyperCacheModule.forRootAsync({ imports: [SettingsModule], useExisting: Settings }),
    ],
  ])('takes %s', async (_how, forRootAsync) => {
    const app = await apps.context({ imports: [forRootAsync(), ConsumerModule] });
    const { manager, hyperCache } = app.get(Consumer, { strict: false });
    await manager.set('key', 'value');

    expect(hyperCache.namespace).toBe('of the factory');
    expect(existsSync(fileIn(directory))).toBe(true);
    await expect(hyperCache.get('key')).resolves.toBe('value');
  });

  it('takes the rest from the environment', async () => {
    process.env['HYPERCACHE_SQLITE_PATH'] = directory;

    await apps.context({ imports: [HyperCacheModule.forRootAsync({ useFactory: () => ({}) })] });

    expect(existsSync(fileIn(directory))).toBe(true);
  });

  it.each([undefined, null])(
    'takes all from the environment when the factory returns %s',
    async (none) => {
      process.env['HYPERCACHE_SQLITE_PATH'] = directory;
      const useFactory = (): HyperCacheOptions => none as unknown as HyperCacheOptions;

      await apps.context({ imports: [HyperCacheModule.forRootAsync({ useFactory })] });

      expect(existsSync(fileIn(directory))).toBe(true);
    },
  );

  it.each([
    ['isGlobal', 'no', 'write true or false'],
    ['controllerDecorators', 'Public', 'pass a list of class decorators'],
    ['ttl', 5000, 'return it from the factory'],
    ['listen', { host: '127.0.0.1', port: 0 }, 'return it from the factory'],
  ])('refuses %s of %j beside the factory', (option, value, instead) => {
    const given = { useFactory: () => ({}), [option]: value } as unknown as HyperCacheAsyncOptions;

    expect(() => HyperCacheModule.forRootAsync(given)).toThrow(
      expect.objectContaining({
        code: 'HC_OPTIONS_INVALID',
        problems: [expect.objectContaining({ option, instead: expect.stringContaining(instead) })],
      }),
    );
  });

  it('with isGlobal false provides the cache only to modules that import it', async () => {
    const local = HyperCacheModule.forRootAsync({
      useFactory: () => ({ sqlitePath: directory, ...LEFT_OPEN }),
      isGlobal: false,
    });

    await expect(apps.context({ imports: [local, ConsumerModule] })).rejects.toThrow(
      /resolve.*Consumer/,
    );
  });

  it('passes on what the factory throws', async () => {
    const failure = new Error('no settings');
    const useFactory = (): HyperCacheOptions => {
      throw failure;
    };

    await expect(
      apps.context({ imports: [HyperCacheModule.forRootAsync({ useFactory })] }),
    ).rejects.toBe(failure);
  });
});
