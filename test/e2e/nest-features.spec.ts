import { beforeEach, describe, expect, it } from '@jest/globals';
import { Cache, CACHE_MANAGER, CacheModule } from '@nestjs/cache-manager';
import { Inject, Injectable, Module, type DynamicModule, type Type } from '@nestjs/common';
import {
  defineCache,
  getHyperCacheToken,
  InjectCache,
  TypedCache,
  HyperCache,
  HyperCacheKeyvStore,
  HyperCacheModule,
  InjectHyperCache,
  type HyperCacheOptions,
} from 'nestjs-hypercache';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { useNestApps } from '../support/nest-apps.js';

@Injectable()
class Consumer {
  constructor(
    @Inject(CACHE_MANAGER) readonly manager: Cache,
    readonly hyperCache: HyperCache,
  ) {}
}

const apps = useNestApps();
let directory = '';
beforeEach(() => {
  directory = apps.directory();
});

const root = (options: HyperCacheOptions = {}): DynamicModule =>
  HyperCacheModule.forRoot({ sqlitePath: directory, ...options });

describe('HyperCacheModule.forFeature', () => {
  @Injectable()
  class Sessions {
    constructor(@InjectHyperCache('sessions') readonly cache: HyperCache) {}
  }
  @Module({ imports: [HyperCacheModule.forFeature({ name: 'sessions' })], providers: [Sessions] })
  class SessionModule {}

  it('injects a cache by its name, in the namespace of that name', async () => {
    const app = await apps.context({ imports: [root(), SessionModule] });

    const { cache } = app.select(SessionModule).get(Sessions);

    expect(cache).toBeInstanceOf(HyperCache);
    expect(cache.namespace).toBe('sessions');
    expect(app.get(getHyperCacheToken('sessions'), { strict: false })).toBe(cache);
  });

  it('refuses one name with two ttls or namespaces, and takes the same twice', async () => {
    const again = HyperCacheModule.forFeature({ name: 'sessions' });
    await apps.context({ imports: [root(), SessionModule, again] });

    for (const options of [{ ttl: 5 }, { namespace: 'other' }]) {
      const other = HyperCacheModule.forFeature({ name: 'sessions', ...options });
      const sqlitePath = apps.directory();

      await expect(
        apps.context({ imports: [root({ sqlitePath }), SessionModule, other] }),
      ).rejects.toMatchObject({
        code: 'HC_OPTIONS_INVALID',
        problems: [{ option: "forFeature({ name: 'sessions' })" }],
      });
    }
  });

  it('finds its node when isGlobal is false', async () => {
    const app = await apps.context({ imports: [root({ isGlobal: false }), SessionModule] });

    const { cache } = app.select(SessionModule).get(Sessions);
    await cache.set('key', 1);

    await expect(cache.get('key')).resolves.toBe(1);
  });

  it('keeps named caches and the default one apart, and clear empties one of them', async () => {
    const app = await apps.context({
      imports: [
        root(),
        HyperCacheModule.forFeature({ name: 'sessions' }),
        HyperCacheModule.forFeature({ name: 'prices', namespace: 'eur' }),
      ],
      providers: [Consumer],
    });
    const { manager, hyperCache } = app.get(Consumer);
    const sessions = app.get<HyperCache>(getHyperCacheToken('sessions'), { strict: false });
    const prices = app.get<HyperCache>(getHyperCacheToken('prices'), { strict: false });
    await hyperCache.set('key', 'default', { tags: ['tag'] });
    await sessions.set('key', 'sessions', { tags: ['tag'] });
    await prices.set('key', 'prices', { tags: ['tag'] });
    expect(prices.namespace).toBe('eur');

    await expect(sessions.clear()).resolves.toBe(1);
    const afterClear = await Promise.all([manager, sessions, prices].map((c) => c.get('key')));
    await expect(hyperCache.delByTag('tag')).resolves.toBe(1);
    await expect(hyperCache.delByPrefix('')).resolves.toBe(0);
    await manager.clear();

    expect(afterClear).toEqual(['default', undefined, 'prices']);
    await expect(prices.get('key')).resolves.toBe('prices');
  });

  it('injects a typed cache in the default cache by its definition, in each application its own', async () => {
    const products = defineCache<number, string>({ name: 'products', ttl: '1m' });
    @Injectable()
    class Catalog {
      constructor(@InjectCache(products) readonly cache: TypedCache<typeof products>) {}
    }
    @Injectable()
    class Shop {
      constructor(@InjectCache(products) readonly cache: TypedCache<typeof products>) {}
    }
    const app = await apps.context({ imports: [root()], providers: [Catalog, Shop] });
    const other = await apps.context({
      imports: [root({ sqlitePath: apps.directory() })],
      providers: [Shop],
    });

    const { cache } = app.get(Catalog);
    await cache.set(1, 'Lamp');

    expect(app.get(Shop).cache).toBe(cache);
    await expect(app.get(HyperCache).get('products:1')).resolves.toBe('Lamp');
    await expect(other.get(Shop).cache.get(1)).resolves.toBeUndefined();
  });

  it('says what to import where a typed cache cannot be injected', async () => {
    const products = defineCache<number, string>({ name: 'products' });
    @Injectable()
    class Catalog {
      constructor(@InjectCache(products) readonly cache: TypedCache<typeof products>) {}
    }

    await expect(apps.context({ providers: [Catalog] })).rejects.toThrow(
      /TypedCache 'products': import HyperCacheModule\.forRoot\(\) in the root module/,
    );
  });

  it('takes a ttl of its own, 0 included, or that of the root', async () => {
    const app = await apps.context({
      imports: [
        root({ ttl: 60_000 }),
        HyperCacheModule.forFeature({ name: 'own', ttl: 5000 }),
        HyperCacheModule.forFeature({ name: 'never', ttl: 0 }),
        HyperCacheModule.forFeature({ name: 'as the root' }),
      ],
    });
    const ttlIn = async (name: string): Promise<number | undefined> => {
      const cache = app.get<HyperCache>(getHyperCacheToken(name), { strict: false });
      await cache.set('key', 1);
      const expiresAt = await cache.ttl('key');
      return expiresAt === undefined ? undefined : Math.round((expiresAt - Date.now()) / 5000);
    };

    await expect(ttlIn('own')).resolves.toBe(1);
    await expect(ttlIn('never')).resolves.toBeUndefined();
    await expect(ttlIn('as the root')).resolves.toBe(12);
  });

  it('gives two names on one namespace the same entries, each its own ttl', async () => {
    const app = await apps.context({
      imports: [
        root(),
        HyperCacheModule.forFeature({ name: 'short', namespace: 'shared', ttl: 5000 }),
        HyperCacheModule.forFeature({ name: 'long', namespace: 'shared', ttl: 3_600_000 }),
      ],
    });
    const short = app.get<HyperCache>(getHyperCacheToken('short'), { strict: false });
    const long = app.get<HyperCache>(getHyperCacheToken('long'), { strict: false });

    await short.set('of short', 1);
    await long.set('of long', 2);
    await long.wrap('wrapped by long', () => 3);

    await expect(long.get('of short')).resolves.toBe(1);
    await expect(short.get('of long')).resolves.toBe(2);
    await expect(short.ttl('of short')).resolves.toBeLessThan(Date.now() + 6000);
    await expect(long.ttl('of long')).resolves.toBeGreaterThan(Date.now() + 6000);
    await expect(long.ttl('wrapped by long')).resolves.toBeGreaterThan(Date.now() + 6000);
  });

  it('may be imported with the same name in several modules', async () => {
    @Module({ imports: [HyperCacheModule.forFeature({ name: 'sessions' })], providers: [Sessions] })
    class OtherModule {}
    const app = await apps.context({ imports: [root(), SessionModule, OtherModule] });
    await app.select(SessionModule).get(Sessions).cache.set('key', 1);

    await expect(app.select(OtherModule).get(Sessions).cache.get('key')).resolves.toBe(1);
  });

  it('keeps its entries over a restart', async () => {
    const first = await apps.context({ imports: [root(), SessionModule] });
    await first.select(SessionModule).get(Sessions).cache.set('key', 'kept');
    await first.close();

    const second = await apps.context({ imports: [root(), SessionModule] });

    await expect(second.select(SessionModule).get(Sessions).cache.get('key')).resolves.toBe('kept');
  });

  it.each([
    ['no name', {}],
    ['an empty name', { name: '' }],
    ['a name that is no string', { name: 42 }],
    ['an empty namespace', { name: 'a', namespace: '' }],
    ['a namespace that is too long', { name: 'a', namespace: 'x'.repeat(257) }],
    ['a negative ttl', { name: 'a', ttl: -1 }],
    ['a ttl that is no number', { name: 'a', ttl: '1000' }],
    ['a name that is misspelled', { name: 'a', tll: 1000 }],
    ['what the node alone has', { name: 'a', maxSize: 4_194_304 }],
    ['nothing', undefined],
  ])('refuses %s at once', (_what, options) => {
    expect(() => HyperCacheModule.forFeature(options as { name: string })).toThrow(
      expect.objectContaining({ code: 'HC_OPTIONS_INVALID' }),
    );
  });
});

describe('HyperCache.keyvStore', () => {
  it('is a Keyv adapter on the same entries, whose disconnect leaves the cache open', async () => {
    const app = await apps.context({ imports: [root()] });
    const cache = app.get(HyperCache);
    const store = cache.keyvStore();
    await store.set('key', 'value');

    await store.disconnect();

    await expect(cache.get('key')).resolves.toBe('value');
    await expect(store.get('key')).resolves.toBe('value');
  });
});

describe("Nest's own CacheModule with HyperCacheKeyvStore", () => {
  it('keeps its entries over a restart, and closes the file with the application', async () => {
    const options = { sqlitePath: directory, logger: false } as const;
    const register = (): DynamicModule =>
      CacheModule.register({ stores: [new HyperCacheKeyvStore(options)] });
    const first = await apps.context({ imports: [register()] });
    await first.get<Cache>(CACHE_MANAGER).set('key', { kept: true }, 60_000);
    await first.close();

    const second = await apps.context({ imports: [register()] });

    await expect(second.get<Cache>(CACHE_MANAGER).get('key')).resolves.toEqual({ kept: true });
  });
});

describe('HyperCacheModule.forRootAsync', () => {
  it('takes providers that its factory may inject', async () => {
    const app = await apps.context({
      imports: [
        HyperCacheModule.forRootAsync({
          useFactory: (sqlitePath: string) => ({ sqlitePath }),
          inject: ['CACHE_DIRECTORY'],
          extraProviders: [{ provide: 'CACHE_DIRECTORY', useValue: directory }],
        }),
      ],
    });

    await app.get(HyperCache).set('key', 'value');

    expect(existsSync(join(directory, 'hypercache.sqlite'))).toBe(true);
  });
});

describe('The start of an application', () => {
  function startWith(options: HyperCacheOptions, ...imports: (DynamicModule | Type)[]) {
    const lines: string[] = [];
    const log = (line: string): void => void lines.push(line);
    const logger = { log, warn: log, error: log };
    return apps.context({ imports: [root({ ...options, logger }), ...imports] }).then(() => lines);
  }

  it('says in one line what the node is', async () => {
    expect(await startWith({})).toEqual([
      `This node is a primary, in ${directory}. It serves no HTTP API: it has no apiToken.`,
    ]);
  });

  it('says that an application without a server serves nothing', async () => {
    expect(await startWith({ apiToken: 'a token for the start of one test, 32+' })).toEqual([
      expect.stringContaining('It serves no HTTP API: the application has no HTTP server.'),
    ]);
  });

  it('warns of a CacheModule that may have taken over CACHE_MANAGER, and names who imports it', async () => {
    @Module({ imports: [CacheModule.register()] })
    class Catalogue {}

    expect(await startWith({}, Catalogue)).toContainEqual(
      expect.stringMatching(
        /CacheModule is imported next to .* Remove it from the imports of Catalogue\./,
      ),
    );
  });
});
