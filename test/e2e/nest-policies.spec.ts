import { describe, expect, it } from '@jest/globals';
import { Controller, Get, HttpException, Injectable } from '@nestjs/common';
import { CACHE_MANAGER } from '@nestjs/cache-manager';
import {
  Cached,
  defineCache,
  getHyperCacheToken,
  HttpCache,
  HttpCacheModule,
  HyperCache,
  HyperCacheModule,
  InjectCache,
  WithLock,
  type HyperCacheManager,
  type HyperCacheOptions,
  type PolicyName,
  type TypedCache,
} from '../../lib/index.js';
import { useNestApps } from '../support/nest-apps.js';

declare module '../../lib/cache/policy-names.js' {
  interface HyperCachePolicies {
    catalog: true;
  }
}

const KEPT = { ttl: '1h', grace: '1d', retryAfter: 0 } as const;
/** A name that the compiler knows and `forRoot` does not. */
const UNKNOWN = 'catalogue' as PolicyName;
const down = new Error('the origin is down');

describe('Policies of an application', () => {
  const apps = useNestApps();

  async function startApp(options: HyperCacheOptions = {}) {
    return apps.context({
      imports: [
        HyperCacheModule.forRoot({
          sqlitePath: apps.directory(),
          logger: false,
          policies: { catalog: KEPT },
          ...options,
        }),
        HyperCacheModule.forFeature({ name: 'prices', wrap: KEPT }),
      ],
    });
  }

  it('have names, which calls and decorators use, and caches of their own', async () => {
    const app = await startApp();
    const cache = app.get(HyperCache);
    const prices = app.get<HyperCache>(getHyperCacheToken('prices'));
    const manager = app.get<HyperCacheManager>(CACHE_MANAGER);
    for (const [one, policy] of [
      [cache, 'catalog'],
      [prices, undefined],
    ] as const) {
      await one.wrap('key', () => 'old', policy);
      await one.expire('key');
      expect(await one.wrap('key', () => Promise.reject(down), policy)).toBe('old');
    }
    expect(
      await manager.wrap('key', () => Promise.reject(down), { policy: 'catalog', raw: true }),
    ).toMatchObject({ value: 'old', isStale: true });
  });

  it('leave answers of the origin alone: an HttpException below 500 is told', async () => {
    const cache = (await startApp()).get(HyperCache);
    await cache.wrap('key', () => 'old', 'catalog');
    await cache.expire('key');
    const notFound = new HttpException('no such product', 404);
    const badGateway = new HttpException('the origin is down', 502);
    const answers = (failure: Error) => cache.wrap('key', () => Promise.reject(failure), 'catalog');
    await expect(answers(notFound)).rejects.toBe(notFound);
    expect(await answers(badGateway)).toBe('old');
    const graceOn = (): boolean => true;
    const policy = { policy: 'catalog', graceOn } as const;
    expect(await cache.wrap('key', () => Promise.reject(notFound), policy)).toBe('old');
  });

  it('are checked at the start', async () => {
    await expect(
      startApp({ policies: { catalog: { ttl: 0, grace: '1d' } } }),
    ).rejects.toMatchObject({
      code: 'HC_OPTIONS_INVALID',
      message: expect.stringContaining('never expires'),
    });
    expect(() => HyperCacheModule.forFeature({ name: 'a', wrap: { eager: 2 } })).toThrow(
      expect.objectContaining({ code: 'HC_OPTIONS_INVALID' }),
    );
  });

  describe('that do not exist', () => {
    @Injectable()
    class Products {
      @Cached({ key: 'known', policy: 'catalog' })
      async known(): Promise<number> {
        return 1;
      }

      @WithLock('products', { ttl: 1000 })
      @Cached({ key: 'unknown', policy: UNKNOWN })
      async unknown(): Promise<number> {
        return 1;
      }
    }

    @Controller()
    @HttpCache({ policy: UNKNOWN })
    class Pages {
      @Get()
      @HttpCache({ policy: UNKNOWN })
      page(): number {
        return 1;
      }

      @Get('off')
      @HttpCache(false)
      off(): number {
        return 1;
      }
    }

    const definition = defineCache({ name: 'products', policy: UNKNOWN });

    @Injectable()
    class Shop {
      @InjectCache(definition) private readonly own?: TypedCache<typeof definition>;

      constructor(@InjectCache(definition) readonly products: TypedCache<typeof definition>) {}
    }

    it('are refused at the start where a decorator or a module names them, all at once', async () => {
      const starting = apps.context({
        imports: [
          HyperCacheModule.forRoot({
            sqlitePath: apps.directory(),
            logger: false,
            policies: { catalog: KEPT, prices: KEPT },
          }),
          HttpCacheModule.forRoot({ policy: UNKNOWN }),
        ],
        controllers: [Pages],
        providers: [{ provide: 'products', useClass: Products }, Shop],
      });
      const problems = [
        'Products.unknown()',
        'Pages',
        'Pages.page()',
        'HttpCacheModule.forRoot()',
        "'products'",
      ].map((owner) => ({
        option: expect.stringContaining(owner),
        value: "'catalogue', a policy that does not exist",
        instead: expect.stringContaining('catalog, prices'),
      }));
      await expect(starting).rejects.toMatchObject({
        code: 'HC_OPTIONS_INVALID',
        problems: expect.arrayContaining(problems),
      });
      await expect(starting).rejects.toHaveProperty('problems.length', problems.length);
    });

    it('are refused where a definition meets its cache, and leave other applications alone', async () => {
      const refusal = {
        code: 'HC_OPTIONS_INVALID',
        message: expect.stringMatching(/defineCache.*'products'.*'catalogue'.*catalog/s),
      };
      const cache = (await startApp()).get(HyperCache);
      expect(() => definition.in(cache)).toThrow(expect.objectContaining(refusal));
    });

    it('are no policy of `forFeature` either, which takes fields', () => {
      expect(() =>
        HyperCacheModule.forFeature({ name: 'a', wrap: { policy: 'catalog' } as object }),
      ).toThrow(expect.objectContaining({ code: 'HC_OPTIONS_INVALID' }));
    });
  });

  it('are over when the application closes: the signal of a refresh is aborted', async () => {
    const app = await startApp({ timeout: 1 });
    const cache = app.get(HyperCache);
    await cache.wrap('key', () => 'old', { ttl: '1h', stale: '1d' });
    await cache.expire('key');
    let signal: AbortSignal | undefined;
    await cache.wrap(
      'key',
      (ctx) => {
        signal = ctx.signal;
        return new Promise<string>(() => undefined);
      },
      { ttl: '1h', stale: '1d' },
    );
    await cache.flush();
    await new Promise((resolve) => setImmediate(resolve));
    await app.close();
    expect(signal?.aborted).toBe(true);
    expect(signal?.reason).toMatchObject({ code: 'HC_CLOSED' });
  });
});
