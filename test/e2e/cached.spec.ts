import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Injectable,
  Module,
  NotFoundException,
  Param,
  Scope,
  SetMetadata,
  StreamableFile,
  type DynamicModule,
  type INestApplicationContext,
  type Type,
} from '@nestjs/common';
import { ContextIdFactory, Reflector } from '@nestjs/core';
import { Readable } from 'node:stream';
import {
  Cached,
  cacheKeyOf,
  CachePut,
  getHyperCacheToken,
  HyperCache,
  HyperCacheModule,
  WithLock,
} from 'nestjs-hypercache';
import { of } from 'rxjs';
import { deferred } from '../support/deferred.js';
import { PLATFORMS, useNestApps } from '../support/nest-apps.js';

let calls: string[] = [];
let work: (call: string) => unknown = () => undefined;

async function call(name: string): Promise<unknown> {
  calls.push(name);
  return work(name);
}

interface Query {
  readonly id: number;
}

@Injectable()
class Products {
  readonly #secret = 'private';

  @Cached()
  async plain(...args: unknown[]): Promise<unknown> {
    return call(`plain ${args.length}`);
  }

  @Cached({ key: 'product:{0}', ttl: '1m', tags: ['product:{0}', 'products'] })
  async find(id: number | string): Promise<unknown> {
    return call(`find ${id}`);
  }

  @Cached({ key: (query: Query) => `query:${query.id}`, tags: (query: Query) => [`q${query.id}`] })
  async search(query: Query, _page = 1): Promise<unknown> {
    return call(`search ${query.id}`);
  }

  @Cached({ key: '{0.id}' })
  async byTemplate(query: { id?: unknown }): Promise<unknown> {
    return call(`byTemplate ${String(query.id)}`);
  }

  @Cached({ when: (id: number) => id > 0 })
  async sometimes(id: number): Promise<unknown> {
    return call(`sometimes ${id}`);
  }

  @Cached()
  async secret(): Promise<string> {
    calls.push('secret');
    return this.#secret;
  }

  @WithLock('locked', { ttl: 60_000 })
  @Cached({ name: 'both' })
  async locked(): Promise<unknown> {
    return call('locked');
  }

  @Cached({ ttl: (value: { ttl: number }) => value.ttl, key: 'of-value' })
  async ofValue(): Promise<{ ttl: number }> {
    calls.push('ofValue');
    return { ttl: 5000 };
  }

  @Cached({ key: 'x'.repeat(500) + ':{0}' })
  async long(text: string): Promise<unknown> {
    return call(`long ${text.length}`);
  }
}

class Derived extends Products {}

const apps = useNestApps();
beforeEach(() => {
  calls = [];
  work = (name) => ({ name });
});

const root = (): DynamicModule => HyperCacheModule.forRoot({ sqlitePath: apps.directory() });
const start = (...providers: Type[]): Promise<INestApplicationContext> =>
  apps.context({ imports: [root()], providers });

describe('@Cached', () => {
  let app: INestApplicationContext;
  let products: Products;
  let cache: HyperCache;
  beforeEach(async () => {
    app = await start(Products);
    products = app.get(Products);
    cache = app.get(HyperCache);
  });

  it('calls the method once for callers at the same time, and never for later ones', async () => {
    const gate = deferred<unknown>();
    work = () => gate.promise;
    const coming = Array.from({ length: 20 }, () => products.find(1));
    gate.resolve({ id: 1 });

    await expect(Promise.all(coming)).resolves.toEqual(Array(20).fill({ id: 1 }));
    await expect(products.find(1)).resolves.toEqual({ id: 1 });
    await expect(products.find(2)).resolves.toEqual({ id: 1 });
    expect(calls).toEqual(['find 1', 'find 2']);
  });

  it('is one cache for two instances of a class', async () => {
    @Injectable({ scope: Scope.TRANSIENT })
    class Transient {
      @Cached({ key: 'transient' })
      async find(): Promise<unknown> {
        return call('transient');
      }
    }
    const context = await start(Transient);
    const [one, other] = [await context.resolve(Transient), await context.resolve(Transient)];
    await one.find();
    await other.find();

    expect(one).not.toBe(other);
    expect(calls).toEqual(['transient']);
  });

  it('stores under the key of the template, with ttl and tags', async () => {
    const before = Date.now();
    await products.find(7);

    await expect(cache.get('product:7')).resolves.toEqual({ name: 'find 7' });
    const expiresAt = (await cache.ttl('product:7')) ?? 0;
    expect(expiresAt - before).toBeGreaterThan(55_000);
    expect(expiresAt - before).toBeLessThan(120_000);
    await expect(cache.delByTag('product:7')).resolves.toBe(1);
    await products.find(7);
    expect(calls).toEqual(['find 7', 'find 7']);
  });

  it('takes functions of the arguments, which may read fewer than there are', async () => {
    await products.search({ id: 3 });
    await products.search({ id: 3 }, 2);

    expect(calls).toEqual(['search 3']);
    await expect(cache.get('query:3')).resolves.toEqual({ name: 'search 3' });
    await expect(cache.delByTag('q3')).resolves.toBe(1);
  });

  it('lets the ttl follow from the result', async () => {
    const before = Date.now();
    await products.ofValue();

    const left = ((await cache.ttl('of-value')) ?? 0) - before;
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThan(60_000);
  });

  it.each<[unknown[], unknown[]]>([
    [
      ['a:b', 'c'],
      ['a', 'b:c'],
    ],
    [[1], ['1']],
    [[new Map([['a', 1]])], [new Map([['b', 1]])]],
    [[new Set([1])], [new Set([2])]],
    [[{ a: 1 }], [{ a: 2 }]],
    [[undefined, 1], [1]],
  ])('makes different keys of %p and %p', async (left, right) => {
    await products.plain(...left);
    await products.plain(...right);
    await products.plain(...left);
    await products.plain(...right);

    expect(calls).toHaveLength(2);
  });

  it('keeps a null, and does not keep what is undefined', async () => {
    work = (name) => (name === 'find 1' ? null : undefined);
    for (const id of [1, 1, 2, 2]) await products.find(id);

    expect(calls).toEqual(['find 1', 'find 2', 'find 2']);
  });

  it('keeps this and the very arguments', async () => {
    const argument = { id: 1 };
    const seen: unknown[] = [];
    class Own {
      @Cached({ key: 'own' })
      async take(given: object): Promise<boolean> {
        seen.push(given);
        return true;
      }
    }
    const own = (await start(Own)).get(Own);
    await own.take(argument);

    expect(seen[0]).toBe(argument);
    await expect(products.secret()).resolves.toBe('private');
  });

  it('hands on what the method throws, once and as it is, and stores nothing', async () => {
    const error = new NotFoundException();
    work = () => Promise.reject(error);

    const coming = await Promise.allSettled([products.find(1), products.find(1)]);
    expect(coming.map((each) => each.status === 'rejected' && each.reason)).toEqual([error, error]);
    expect(calls).toEqual(['find 1']);
    work = () => 'found';
    await expect(products.find(1)).resolves.toBe('found');
  });

  it('takes the policies of wrap: what is stale stands in for a failure', async () => {
    class Graced {
      @Cached({ key: 'graced', ttl: '1m', grace: '1m', retryAfter: 0 })
      async find(): Promise<unknown> {
        return call('graced');
      }
    }
    const context = await start(Graced);
    const graced = context.get(Graced);
    work = () => 'first';
    await graced.find();
    await context.get(HyperCache).expire('graced');
    work = () => Promise.reject(new TypeError('away'));
    await expect(graced.find()).resolves.toBe('first');
    work = () => Promise.reject(new NotFoundException());
    await expect(graced.find()).rejects.toThrow(NotFoundException);
    expect(calls).toHaveLength(3);
  });

  it('with when false calls the method and leaves the cache alone', async () => {
    await products.sometimes(-1);
    await products.sometimes(-1);
    await products.sometimes(1);
    await products.sometimes(1);

    expect(calls).toEqual(['sometimes -1', 'sometimes -1', 'sometimes 1']);
  });

  it.each<[string, () => unknown]>([
    ['an Observable', () => of(1)],
    ['a stream', () => Readable.from(['a'])],
    ['a StreamableFile', () => new StreamableFile(Buffer.from('a'))],
    ['a web stream', () => new ReadableStream()],
    ['a Response', () => new Response('a')],
    [
      'an async iterable',
      () =>
        (async function* () {
          yield 1;
        })(),
    ],
  ])('refuses %s, and stores nothing of it', async (_what, make) => {
    work = make;
    await expect(products.find(1)).rejects.toMatchObject({
      code: 'HC_VALUE_UNSUPPORTED',
      hint: expect.stringContaining('firstValueFrom'),
    });
    await expect(cache.has('product:1')).resolves.toBe(false);
  });

  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['an object', {}],
  ])('refuses %s in a template, without a call', async (_what, id) => {
    await expect(products.byTemplate({ id })).rejects.toMatchObject({
      code: 'HC_ARGUMENT_INVALID',
    });
    expect(calls).toEqual([]);
  });

  it('refuses arguments of which no key can be made', async () => {
    await expect(products.plain(new Readable())).rejects.toMatchObject({
      code: 'HC_ARGUMENT_INVALID',
      message: expect.stringContaining('Products.plain()'),
    });
  });

  it('shortens a key that is too long, and keeps long ones apart', async () => {
    for (const text of ['a', 'b', 'a']) await products.long(text.repeat(2000));

    expect(calls).toEqual(['long 2000', 'long 2000']);
    await expect(cache.delByPrefix('x'.repeat(200))).resolves.toBe(2);
  });

  it('does not store what is deleted while the method runs', async () => {
    const gate = deferred<unknown>();
    work = () => gate.promise;
    const coming = products.find(1);
    await cache.get('anything');
    while (calls.length === 0) await new Promise(setImmediate);
    await cache.del('product:1');
    gate.resolve('old');

    await expect(coming).resolves.toBe('old');
    await expect(cache.has('product:1')).resolves.toBe(false);
  });

  it('below a lock is looked for under it', async () => {
    await products.locked();
    await products.locked();
    expect(calls).toEqual(['locked']);

    const lock = cache.lock('locked', { ttl: 60_000 });
    await lock.acquire();
    await expect(products.locked()).rejects.toMatchObject({ code: 'HC_LOCK_TIMEOUT' });
    await lock.release();
  });

  it('calls the method when the cache is closed', async () => {
    await app.close();

    await expect(products.find(1)).resolves.toEqual({ name: 'find 1' });
    expect(calls).toEqual(['find 1']);
  });

  it('keeps name, length and metadata', () => {
    const Mark = (): MethodDecorator => SetMetadata('mark', 'below');
    class Marked {
      @SetMetadata('above', 1)
      @Cached()
      @Mark()
      async marked(_a: number, _b: string): Promise<number> {
        return 1;
      }
    }
    const { marked } = Marked.prototype;

    expect([marked.name, marked.length]).toEqual(['marked', 2]);
    expect(new Reflector().get('mark', marked)).toBe('below');
    expect(new Reflector().get('above', marked)).toBe(1);
  });

  it('of a base class has its keys', async () => {
    const derived = (await start(Derived)).get(Derived);
    const key = cacheKeyOf(Derived.prototype.plain)('a');
    await derived.plain('a');

    expect(key).toMatch(/^Products\.plain:/);
    expect(calls).toHaveLength(1);
  });

  it('works in request-scoped providers', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Scoped {
      @Cached({ key: 'scoped:{0}' })
      async find(id: number): Promise<unknown> {
        return call(`scoped ${id}`);
      }
    }
    const scoped = await start(Scoped);
    for (let request = 0; request < 2; request++) {
      const one = await scoped.resolve(Scoped, ContextIdFactory.create());
      await one.find(1);
    }
    expect(calls).toEqual(['scoped 1']);
  });

  it('uses a cache of forFeature', async () => {
    class Sessions {
      @Cached({ cache: 'sessions', key: 'session:{0}' })
      async find(id: number): Promise<unknown> {
        return call(`session ${id}`);
      }
    }
    const feature = HyperCacheModule.forFeature({ name: 'sessions' });
    const both = await apps.context({
      imports: [HyperCacheModule.forRoot({ sqlitePath: apps.directory() }), feature],
      providers: [Sessions],
    });
    await both.get(Sessions).find(1);

    const named = both.get<HyperCache>(getHyperCacheToken('sessions'));
    await expect(named.has('session:1')).resolves.toBe(true);
    await expect(both.get(HyperCache).has('session:1')).resolves.toBe(false);
  });

  it('keeps two applications of one process apart', async () => {
    const other = await apps.context({
      imports: [HyperCacheModule.forRoot({ sqlitePath: apps.directory() })],
      providers: [Products],
    });
    await products.find(1);
    await other.get(Products).find(1);

    expect(calls).toEqual(['find 1', 'find 1']);
  });

  it('on an object made by hand rejects, and calls nothing', async () => {
    await expect(new Products().find(1)).rejects.toMatchObject({
      code: 'HC_MODULE_MISSING',
      message: expect.stringContaining('@Cached on find()'),
    });
    expect(calls).toEqual([]);
  });

  it.each([
    ['HyperCache', undefined],
    ['HyperCache:sessions', 'sessions'],
  ])('lets no application start without %s, which it names', async (name, cacheName) => {
    class Lonely {
      @Cached({ key: 'a', cache: cacheName })
      async find(): Promise<number> {
        return 1;
      }
    }
    const starting = apps.context({ providers: [Lonely] });

    await expect(starting).rejects.toThrow(/can't resolve dependencies of the Lonely/);
    await expect(starting).rejects.toThrow(name);
  });
});

describe('cacheKeyOf', () => {
  it('is the key under which a call is stored', async () => {
    const app = await start(Products);
    const [products, cache] = [app.get(Products), app.get(HyperCache)];
    const keys = [
      cacheKeyOf(products.plain)('a', { b: 1 }),
      cacheKeyOf(Products.prototype.find)(42),
      cacheKeyOf(Products.prototype.search)({ id: 1 }),
      cacheKeyOf(Products.prototype.locked)(),
    ];
    await products.plain('a', { b: 1 });
    await products.find(42);
    await products.search({ id: 1 });
    await products.locked();

    for (const key of keys) await expect(cache.del(key)).resolves.toBe(true);
  });

  it.each([[() => 1], [Products], [undefined], [{}]])('refuses %p', (given) => {
    expect(() => cacheKeyOf(given as () => number)).toThrow(
      expect.objectContaining({ code: 'HC_ARGUMENT_INVALID' }),
    );
  });
});

describe('@Cached when a class is loaded', () => {
  const refused = (load: () => unknown, problem: string): void =>
    expect(load).toThrow(
      expect.objectContaining({
        code: 'HC_ARGUMENT_INVALID',
        message: expect.stringContaining(problem),
      }),
    );

  const method = () => ({ value: async (): Promise<number> => 1 });

  it('refuses two methods that would share their keys', () => {
    const load = (options: object) => {
      class Twice {
        @Cached(options)
        async find(): Promise<number> {
          return 1;
        }
      }
      return Twice;
    };
    load({});
    refused(() => load({}), 'Twice.find:');
    // A name is the author's word: the class may be loaded again.
    load({ name: 'once' });
    load({ name: 'once' });
    refused(() => {
      class Other {
        @Cached({ name: 'once' })
        async find(): Promise<number> {
          return 1;
        }
      }
      return Other;
    }, 'once:');
  });

  it('asks for a name where the class has none', () => {
    const nameless = (() => class {})();
    const load = () => Cached()(nameless.prototype, 'find', method());
    refused(load, 'no name');
  });

  it.each<[string, object]>([
    ['brace', { key: 'product:{id}' }],
    ['run together', { key: '{0}{1}' }],
    ['argument 32', { tags: ['{32}'] }],
    ["no option 'tll'", { tll: 5 }],
    ['of type number', { key: 5 }],
    ['no array', { tags: 'tag' }],
    ['`when`', { when: true }],
    ['`grace`', { grace: -1 }],
    ["no option 'fresh'", { fresh: true }],
    ["no option 'signal'", { signal: AbortSignal.abort() }],
    ['`cache`', { cache: '' }],
    ['both', { key: 'a', name: 'b' }],
    ['no object', 60_000 as never],
    ['no object', null as never],
  ])('tells of %s', (problem, options) => {
    refused(() => Cached(options as object)({}, 'find', method()), problem);
  });

  it.each([-1, Number.NaN, '5', true, {}])('refuses a ttl of %p', (ttl) => {
    const code = 'HC_TTL_INVALID';
    const options = { key: 'a', ttl: ttl as never };
    expect(() => Cached(options)).toThrow(expect.objectContaining({ code }));
    expect(() => CachePut(options)).toThrow(expect.objectContaining({ code }));
    const byValue = { key: 'a', ttl: (() => ttl) as never };
    expect(() => CachePut(byValue)).toThrow(expect.objectContaining({ code }));
  });

  it('refuses what is no method of an object', () => {
    refused(() => Cached()(class {}, 'find', { value: async () => 1 }), 'no method');
    refused(() => Cached()({}, 'find', undefined as never), 'no method');
  });
});

describe('the types of @Cached', () => {
  it('are those of the method', () => {
    class Typed {
      @Cached({ key: (id: number) => `${id}` })
      async fewer(_id: number, _page: number): Promise<number> {
        return 1;
      }

      @Cached({ key: (id: number, page?: number) => `${id}:${page}` })
      async optional(_id: number, _page?: number): Promise<number> {
        return 1;
      }

      @Cached({ name: 'typed', ttl: (value: string) => value.length })
      async result(): Promise<string> {
        return 'text';
      }
    }
    // What follows is checked by the compiler, and never run.
    const never = () => {
      class Wrong {
        // @ts-expect-error the key reads a text where the method takes a number
        @Cached({ key: (id: string) => id })
        async argument(_id: number): Promise<number> {
          return 1;
        }

        // @ts-expect-error the key reads an argument that the method has not
        @Cached({ key: (id: number, page: number) => `${id}:${page}` })
        async more(_id: number): Promise<number> {
          return 1;
        }

        // @ts-expect-error the tags read a text where the method takes a number
        @Cached({ tags: (id: string) => [id] })
        async tags(_id: number): Promise<number> {
          return 1;
        }

        // @ts-expect-error the method is not asynchronous
        @Cached()
        atOnce(_id: number): number {
          return 1;
        }

        // @ts-expect-error an async generator returns no promise
        @Cached()
        async *generated(): AsyncGenerator<number> {
          yield 1;
        }

        // @ts-expect-error the ttl reads a text where the method returns a number
        @Cached({ ttl: (value: string) => value.length })
        async ttl(): Promise<number> {
          return 1;
        }

        // @ts-expect-error there is no such option
        @Cached({ tll: 5 })
        async option(): Promise<number> {
          return 1;
        }
      }
      cacheKeyOf(Wrong.prototype.argument)(1);
      // @ts-expect-error the method takes a number
      cacheKeyOf(Wrong.prototype.argument)('1');
    };

    expect([typeof Typed, typeof never]).toEqual(['function', 'function']);
  });
});

describe.each(PLATFORMS)('@Cached on a route of %s', (platform) => {
  it('answers from the cache, and leaves the route as it is', async () => {
    @Controller('cached')
    class CachedController {
      @Get(':id')
      @Cached({ key: `${platform}:{0}` })
      async find(@Param('id') id: string): Promise<unknown> {
        return call(`route ${id}`);
      }
    }
    @Module({ controllers: [CachedController] })
    class RoutesModule {}
    const { url } = await apps.listen(platform, { imports: [root(), RoutesModule] });

    for (const id of ['1', '1', '2']) {
      const answer = await fetch(`${url}/cached/${id}`);
      expect(await answer.json()).toEqual({ name: `route ${id}` });
    }
    expect(calls).toEqual(['route 1', 'route 2']);
  });
});
