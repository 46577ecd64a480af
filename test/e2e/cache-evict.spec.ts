import { beforeEach, describe, expect, it } from '@jest/globals';
import { SetMetadata } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import {
  Cached,
  CacheEvict,
  CachePut,
  HyperCache,
  HyperCacheModule,
  type CacheEvictOptions,
  type CachePutOptions,
} from 'nestjs-hypercache';
import { deferred } from '../support/deferred.js';
import { eventually } from '../support/eventually.js';
import { useNestApps } from '../support/nest-apps.js';

interface Product {
  readonly id: number;
  readonly price: number;
}

let prices: Record<number, number> = {};
let loads = 0;
let gate: Promise<unknown> | undefined;

class Products {
  @Cached({ key: 'product:{0}', tags: ['product:{0}', 'all'] })
  async find(id: number): Promise<Product> {
    loads++;
    const price = prices[id] ?? 0;
    await gate;
    return { id, price };
  }

  @CacheEvict({ key: 'product:{0}' })
  async edit(id: number, price: number): Promise<string> {
    if (price < 0) throw new RangeError('negative');
    prices[id] = price;
    return `edited ${id}`;
  }

  @CacheEvict({ keys: (a: number, b: number) => [`product:${a}`, `product:${b}`] })
  async swap(_a: number, _b: number): Promise<void> {}

  @CacheEvict({ tags: ['product:{0.id}', 'lists'], key: 'summary' })
  async byTag(_product: { id: number }): Promise<void> {}

  @CacheEvict({ prefix: 'product:{0}' })
  async byPrefix(_begin: string | number): Promise<void> {}

  @CacheEvict({ prefix: (begin: string) => begin })
  async byAnyPrefix(_begin: string): Promise<void> {}

  @CacheEvict({ all: true })
  async reset(): Promise<void> {}

  @CacheEvict({ key: 'product:{0}', before: true })
  async fail(_id: number): Promise<void> {
    throw new RangeError('late');
  }

  @CacheEvict({ key: 'product:{0}', when: (id: number) => id > 1 })
  async some(_id: number): Promise<void> {}

  @CacheEvict({ key: 'product:{0}', mode: 'expire' })
  async expire(_id: number): Promise<void> {}

  @CacheEvict({ all: true, mode: 'expire' })
  async expireAll(): Promise<void> {}

  @CacheEvict({ keys: ['kept', 'gone'], tags: ['tag'], prefix: 'pre:', mode: 'expire' })
  async expireMany(): Promise<void> {}

  @Cached({ key: 'graced', ttl: '1m', stale: '1m' })
  async graced(): Promise<number> {
    return ++loads;
  }

  @CacheEvict({ key: '{0.id}', tags: ['all'] })
  async badKey(_product: object): Promise<void> {}

  @CachePut({ key: 'product:{0}', ttl: '1m', tags: ['put', 'product:{0}'] })
  async put(id: number, price: number | undefined | null): Promise<unknown> {
    return price === null || price === undefined ? price : { id, price };
  }

  @CachePut({
    key: (product: Product, id: number) => `product:${product.id + id}`,
    tags: (product: Product) => [`price:${product.price}`],
    unless: (product: Product) => product.price === 0,
  })
  async putResult(id: number, price: number): Promise<Product> {
    if (price < 0) throw new RangeError('negative');
    return { id, price };
  }

  @CachePut({ key: 'product:{0}' })
  async putFunction(_id: number): Promise<unknown> {
    return { method: () => 1 };
  }

  @SetMetadata('mark', 1)
  @CachePut({ key: 'a' })
  @CacheEvict({ key: 'b' })
  async both(a: number, _b: number): Promise<number> {
    return a;
  }
}

const apps = useNestApps();
let products: Products;
let cache: HyperCache;
beforeEach(async () => {
  [prices, loads, gate] = [{ 1: 10, 2: 20, 10: 100 }, 0, undefined];
  const app = await apps.context({
    imports: [HyperCacheModule.forRoot({ sqlitePath: apps.directory() })],
    providers: [Products],
  });
  products = app.get(Products);
  cache = app.get(HyperCache);
  for (const id of [1, 2, 10]) await products.find(id);
});

const cached = async (): Promise<string[]> => {
  const keys: string[] = [];
  for await (const key of cache.keys()) keys.push(key);
  return keys;
};

describe('@CacheEvict', () => {
  it('deletes once the method has succeeded, and gives its result', async () => {
    await expect(products.edit(1, 11)).resolves.toBe('edited 1');

    await expect(cached()).resolves.toEqual(['product:10', 'product:2']);
    await expect(products.find(1)).resolves.toEqual({ id: 1, price: 11 });
  });

  it('deletes nothing when the method throws, whose error it hands on', async () => {
    await expect(products.edit(1, -1)).rejects.toThrow(new RangeError('negative'));

    await expect(cached()).resolves.toHaveLength(3);
  });

  it('with before deletes even then', async () => {
    await expect(products.fail(1)).rejects.toThrow(RangeError);

    await expect(cached()).resolves.toEqual(['product:10', 'product:2']);
  });

  it('wins over a method that is still reading what was there before', async () => {
    await cache.clear();
    const held = deferred<unknown>();
    gate = held.promise;
    const coming = products.find(1);
    while (loads === 3) await new Promise(setImmediate);
    await products.edit(1, 12);
    held.resolve(undefined);

    await expect(coming).resolves.toEqual({ id: 1, price: 10 });
    await expect(cached()).resolves.toEqual([]);
    await expect(products.find(1)).resolves.toEqual({ id: 1, price: 12 });
  });

  it('takes several keys, tags, a prefix, or everything', async () => {
    await products.swap(1, 2);
    await expect(cached()).resolves.toEqual(['product:10']);

    await products.find(1);
    await cache.set('summary', 1);
    await cache.set('list', 1, { tags: ['lists'] });
    await products.byTag({ id: 10 });
    await expect(cached()).resolves.toEqual(['product:1']);

    await products.find(10);
    await products.find(2);
    await products.byPrefix(1);
    await expect(cached()).resolves.toEqual(['product:2']);

    await products.reset();
    await expect(cached()).resolves.toEqual([]);
  });

  it("with mode 'expire' leaves what has a window to be served while it is refreshed", async () => {
    loads = 0;
    await expect(products.graced()).resolves.toBe(1);
    await products.expireAll();
    await expect(cached()).resolves.toEqual([]);
    await expect(products.graced()).resolves.toBe(1);
    await eventually(async () => expect(await products.graced()).toBe(2));

    const windows = { ttl: '1m', stale: '1m' } as const;
    await cache.set('kept', 1, windows);
    await cache.set('gone', 1);
    await cache.set('tagged', 1, { ...windows, tags: ['tag'] });
    await cache.set('pre:fixed', 1, windows);
    await products.expireMany();
    for (const key of ['kept', 'tagged', 'pre:fixed']) {
      await expect(cache.getEntry(key, { stale: true })).resolves.toMatchObject({ value: 1 });
    }
    await expect(cached()).resolves.toEqual(['graced']);
    await expect(cache.getEntry('gone', { stale: true })).resolves.toBeUndefined();
  });

  it('does not take an empty prefix for everything', async () => {
    await expect(products.byAnyPrefix('')).rejects.toMatchObject({ code: 'HC_ARGUMENT_INVALID' });
    await expect(cached()).resolves.toHaveLength(3);
    await products.byPrefix('%');
    await expect(cached()).resolves.toHaveLength(3);
  });

  it('with when false deletes nothing', async () => {
    await products.some(1);
    await products.some(2);

    await expect(cached()).resolves.toEqual(['product:1', 'product:10']);
  });

  it('tells of a key that cannot be made, and deletes the rest', async () => {
    await expect(products.badKey({})).rejects.toMatchObject({ code: 'HC_ARGUMENT_INVALID' });
    await expect(cached()).resolves.toEqual([]);
  });

  it.each<[string, unknown]>([
    ['nothing to delete', {}],
    ['nothing to delete', { before: true }],
    ['nothing to delete', undefined],
    ['no option', { keyy: 'a' }],
    ['no array', { keys: 'a' }],
    ['of type boolean', { key: true }],
    ['brace', { prefix: '{' }],
    ['`when`', { key: 'a', when: 1 }],
    ['`mode`', { key: 'a', mode: 'stale' }],
  ])('tells of %s when the class is loaded: %j', (problem, options) => {
    expect(() => CacheEvict(options as CacheEvictOptions)).toThrow(
      expect.objectContaining({
        code: 'HC_ARGUMENT_INVALID',
        message: expect.stringContaining(problem),
      }),
    );
  });

  it('rejects when the deletion fails', async () => {
    const closing = await apps.context({
      imports: [HyperCacheModule.forRoot({ sqlitePath: apps.directory() })],
      providers: [Products],
    });
    const late = closing.get(Products);
    await closing.close();

    await expect(late.edit(1, 13)).rejects.toMatchObject({ code: 'HC_CLOSED' });
    expect(prices[1]).toBe(13);
  });
});

describe('@CachePut', () => {
  it('stores what the method returns, each time', async () => {
    await expect(products.put(1, 5)).resolves.toEqual({ id: 1, price: 5 });
    await products.put(1, 6);

    await expect(products.find(1)).resolves.toEqual({ id: 1, price: 6 });
    expect(((await cache.ttl('product:1')) ?? 0) - Date.now()).toBeGreaterThan(30_000);
    await expect(cache.delByTag('put')).resolves.toBe(1);
  });

  it('reads result and arguments in functions', async () => {
    await products.putResult(3, 7);

    await expect(cache.get('product:6')).resolves.toEqual({ id: 3, price: 7 });
    await expect(cache.delByTag('price:7')).resolves.toBe(1);
  });

  it('stores null, but nothing that is undefined, thrown, or refused by unless', async () => {
    await products.put(1, null);
    await products.put(2, undefined);
    await products.putResult(4, 0);
    await expect(products.putResult(4, -1)).rejects.toThrow(RangeError);

    await expect(cache.mget(['product:1', 'product:2', 'product:8'])).resolves.toEqual([
      null,
      { id: 2, price: 20 },
      undefined,
    ]);
  });

  it('rejects when the result cannot be stored', async () => {
    await expect(products.putFunction(1)).rejects.toMatchObject({ code: 'HC_VALUE_UNSUPPORTED' });
  });

  it('goes together with others, and keeps what they left on the method', async () => {
    await cache.set('b', 1);
    await products.both(4, 2);

    await expect(cache.mget(['a', 'b'])).resolves.toEqual([4, undefined]);
    expect(products.both).toHaveLength(2);
    expect(new Reflector().get('mark', Products.prototype.both)).toBe(1);
  });

  it.each<[string, unknown]>([
    ['of type undefined', undefined],
    ['of type undefined', { ttl: 5 }],
    ['no option', { key: 'a', fence: 1 }],
    ['no option', { key: 'a', wen: 1 }],
    ['`unless`', { key: 'a', unless: 1 }],
    ['`stale`', { key: 'a', stale: -1 }],
    ['`grace`', { key: 'a', grace: '5' }],
    ['never expires', { key: 'a', ttl: 0, grace: '1m' }],
  ])('tells of %s when the class is loaded: %j', (problem, options) => {
    expect(() => CachePut(options as CachePutOptions)).toThrow(
      expect.objectContaining({
        code: 'HC_ARGUMENT_INVALID',
        message: expect.stringContaining(problem),
      }),
    );
  });
});

describe('the types of @CacheEvict and @CachePut', () => {
  it('are those of the method', () => {
    // Checked by the compiler, and never run.
    const never = () => {
      class Wrong {
        // @ts-expect-error the key reads a text where the method takes a number
        @CacheEvict({ key: (id: string) => id })
        async evict(_id: number): Promise<void> {}

        // @ts-expect-error the method is not asynchronous
        @CacheEvict({ all: true })
        atOnce(): void {}

        // @ts-expect-error the key reads another result
        @CachePut({ key: (result: string) => result })
        async put(): Promise<number> {
          return 1;
        }

        // @ts-expect-error the key reads an argument that the method has not
        @CachePut({ key: (result: number, id: string) => `${result}${id}` })
        async argument(): Promise<number> {
          return 1;
        }

        // @ts-expect-error `unless` reads another result
        @CachePut({ key: 'a', unless: (result: string) => result === '' })
        async unless(): Promise<number> {
          return 1;
        }

        // @ts-expect-error a put has a key
        @CachePut({ ttl: 5 })
        async keyless(): Promise<number> {
          return 1;
        }
      }
      return Wrong;
    };

    expect(typeof never).toBe('function');
  });
});
