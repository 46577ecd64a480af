import { describe, expect, it, jest } from '@jest/globals';
import { type } from 'arktype';
import * as v from 'valibot';
import { z } from 'zod';
import { HyperCache } from '../../lib/nest/hyper-cache.service.js';
import type { StandardSchema } from '../../lib/nest/standard-schema.js';
import { defineCache } from '../../lib/nest/typed-cache.js';
import { ManualClock } from '../support/manual-clock.js';
import { useNodes, useSharedNode } from '../support/nodes.js';

interface Product {
  id: number;
  name: string;
}

const LAMP: Product = { id: 1, name: 'Lamp' };
const BROKEN = { id: 1, title: 'Lamp' };

const SCHEMAS: readonly [library: string, schema: StandardSchema<Product>][] = [
  ['zod', z.object({ id: z.number(), name: z.string() })],
  ['valibot', v.object({ id: v.number(), name: v.string() })],
  ['arktype', type({ id: 'number', name: 'string' })],
];

/** Counts how often it is asked. */
function counting(
  judge: (value: unknown) => boolean,
): StandardSchema<Product> & { readonly calls: jest.Mock } {
  const calls = jest.fn();
  const validate = (value: unknown): { value: Product } | { issues: { message: string }[] } => {
    calls(value);
    return judge(value) ? { value: value as Product } : { issues: [{ message: 'no product' }] };
  };
  return { calls, '~standard': { version: 1, vendor: 'test', validate } };
}

const isProduct = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'name' in value;

describe('A typed cache', () => {
  const node = useSharedNode();
  const startNode = useNodes();
  let namespaces = 0;
  const makeCache = (): HyperCache => new HyperCache(node(), node().cache(`typed ${++namespaces}`));

  it('reads and writes by id, under keys that hold name and version', async () => {
    const hyperCache = makeCache();
    const products = defineCache<number, Product>({
      name: 'products',
      key: (id) => `p:${id}`,
      version: 2,
      ttl: '5m',
      tags: (id) => [`product:${id}`],
    }).in(hyperCache);

    await products.set(1, LAMP);

    await expect(products.get(1)).resolves.toEqual(LAMP);
    await expect(products.mget([2, 1])).resolves.toEqual([undefined, LAMP]);
    await expect(products.has(1)).resolves.toBe(true);
    expect(products.keyOf(1)).toBe('products@2:p:1');
    await expect(hyperCache.get('products@2:p:1')).resolves.toEqual(LAMP);
    const left = Number(await hyperCache.ttl('products@2:p:1')) - Date.now();
    expect(left).toBeGreaterThan(290_000);
    expect(left).toBeLessThanOrEqual(300_000);
    await expect(hyperCache.delByTag('product:1')).resolves.toBe(1);
    await expect(products.get(1)).resolves.toBeUndefined();
    await expect(products.add(1, LAMP)).resolves.toBe(true);
    await expect(products.add(1, LAMP)).resolves.toBe(false);
    await expect(products.touch(1, '1m')).resolves.toBe(true);
    await expect(products.del(1)).resolves.toBe(true);
  });

  it('never reads what another version has written, nor another definition', async () => {
    const hyperCache = makeCache();
    const make = (name: string, version?: number) =>
      defineCache<string, string>({ name, version }).in(hyperCache);
    const caches = [make('a'), make('a', 0), make('a', 1), make('a', 11), make('a.1'), make('b')];

    for (const [index, cache] of caches.entries()) await cache.set('1:x', `value ${index}`);

    for (const [index, cache] of caches.entries()) {
      await expect(cache.get('1:x')).resolves.toBe(`value ${index}`);
    }
  });

  it('takes what a call says before what the definition says', async () => {
    const hyperCache = makeCache();
    const cache = defineCache<string, number>({
      name: 'numbers',
      ttl: (value) => value * 1000,
      tags: ['all'],
    }).in(hyperCache);
    const left = async (id: string): Promise<number> =>
      Math.ceil((Number(await hyperCache.ttl(cache.keyOf(id))) - Date.now()) / 1000);

    await cache.set('by value', 60);
    await cache.set('by call', 60, '2m');
    await cache.set('undefined', 60, { ttl: undefined, tags: undefined });
    await cache.wrap('wrapped', () => 60);
    await cache.wrap('wrapped by call', () => 60, { ttl: '2m', tags: ['mine'] });

    expect(
      await Promise.all(
        ['by value', 'by call', 'undefined', 'wrapped', 'wrapped by call'].map(left),
      ),
    ).toEqual([60, 120, 60, 60, 120]);
    await expect(hyperCache.delByTag('all')).resolves.toBe(4);
    await expect(hyperCache.delByTag('mine')).resolves.toBe(1);
  });

  describe.each(SCHEMAS)('with a schema of %s', (_library, schema) => {
    it('refuses what the schema does not accept, and stores nothing', async () => {
      const hyperCache = makeCache();
      const products = defineCache({
        name: 'products',
        key: (id: number) => String(id),
        schema,
      }).in(hyperCache);
      const refused = {
        code: 'HC_VALUE_INVALID',
        message: expect.stringContaining('name'),
        issues: [expect.stringContaining('name')],
      };

      await expect(products.set(1, BROKEN as never)).rejects.toMatchObject(refused);
      await expect(products.add(1, BROKEN as never)).rejects.toMatchObject(refused);
      await expect(products.wrap(1, () => BROKEN as never)).rejects.toMatchObject(refused);
      await expect(products.wrap(1, async () => BROKEN as never)).rejects.toMatchObject(refused);
      await expect(products.has(1)).resolves.toBe(false);
      await expect(products.wrap(1, () => LAMP)).resolves.toEqual(LAMP);
    });

    it('takes what was stored and is not acceptable for missing, says so and removes it', async () => {
      const hyperCache = makeCache();
      const products = defineCache({
        name: 'products',
        key: (id: number) => String(id),
        schema,
      }).in(hyperCache);
      const heard: string[] = [];
      const listener = ({ error }: { error: { code: string } }): number => heard.push(error.code);
      hyperCache.on('error', listener);

      await hyperCache.set(products.keyOf(1), BROKEN);
      await expect(products.get(1)).resolves.toBeUndefined();
      await expect(products.has(1)).resolves.toBe(false);
      await hyperCache.set(products.keyOf(1), BROKEN);
      await expect(products.wrap(1, () => LAMP)).resolves.toEqual(LAMP);
      await expect(products.get(1)).resolves.toEqual(LAMP);

      hyperCache.off('error', listener);
      expect(heard).toEqual(['HC_VALUE_INVALID', 'HC_VALUE_INVALID']);
    });
  });

  it('asks the schema once for each fill of memory, not at each hit', async () => {
    const schema = counting(isProduct);
    const products = defineCache({ name: 'products', key: (id: number) => String(id), schema }).in(
      makeCache(),
    );
    await products.set(1, LAMP);
    schema.calls.mockClear();

    for (let read = 0; read < 10; read++) await products.get(1);
    for (let read = 0; read < 10; read++) await products.wrap(1, () => LAMP);

    expect(schema.calls).toHaveBeenCalledTimes(1);
  });

  it('does not remove what has replaced the value that was not accepted', async () => {
    const hyperCache = makeCache();
    const schema: StandardSchema<Product> = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: async (value) => {
          if (isProduct(value)) return { value: value as Product };
          await hyperCache.set(products.keyOf(1), LAMP);
          return { issues: [{ message: 'no product' }] };
        },
      },
    };
    const products = defineCache({ name: 'products', key: (id: number) => String(id), schema }).in(
      hyperCache,
    );
    await hyperCache.set(products.keyOf(1), BROKEN);

    await expect(products.get(1)).resolves.toBeUndefined();

    await expect(products.get(1)).resolves.toEqual(LAMP);
  });

  it('stores what the schema makes of a value, and reads it by a schema of its own', async () => {
    const Day = z.object({ at: z.string().transform((text) => new Date(text)) });
    const hyperCache = makeCache();
    const days = defineCache({
      name: 'days',
      key: (id: string) => id,
      schema: Day,
      read: z.object({ at: z.date() }),
    }).in(hyperCache);

    await days.set('first', { at: '2026-01-01' });
    const day = await days.get('first');

    expect(day?.at).toEqual(new Date('2026-01-01'));
    await expect(days.wrap('first', () => ({ at: '2027-01-01' }))).resolves.toEqual(day);
  });

  it('goes on without storing when a value that is not accepted cannot be removed', async () => {
    const hyperCache = makeCache();
    let isShut = false;
    const schema = counting((value) => !isShut && isProduct(value));
    const reads = defineCache({
      name: 'products',
      key: (id: number) => String(id),
      schema,
      read: {
        '~standard': {
          version: 1,
          vendor: 'test',
          validate: () => ({ issues: [{ message: 'never' }] }),
        },
      },
    }).in(hyperCache);

    await expect(reads.wrap(1, () => LAMP)).resolves.toEqual(LAMP);

    isShut = true;
    await expect(reads.wrap(1, () => LAMP)).rejects.toMatchObject({ code: 'HC_VALUE_INVALID' });
  });

  it('says so when the schema itself throws', async () => {
    const broken: StandardSchema<Product> = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: () => {
          throw new TypeError('schema is broken');
        },
      },
    };
    const products = defineCache({
      name: 'products',
      key: (id: number) => String(id),
      schema: broken,
    }).in(makeCache());

    await expect(products.set(1, LAMP)).rejects.toMatchObject({
      code: 'HC_VALUE_INVALID',
      cause: expect.objectContaining({ message: 'schema is broken' }),
    });
    await expect(products.get(1)).resolves.toBeUndefined();
  });

  it('serves stale values as its definition says, or a policy that a call names', async () => {
    const clock = new ManualClock();
    const policies = { short: { ttl: '10s' }, patient: { ttl: '1m', grace: '1d' } } as const;
    const own = await startNode({ policies }, { clock });
    const cache = new HyperCache(own, own.cache('default'));
    const products = defineCache<number, string>({ name: 'products', ttl: '1m', grace: '1h' }).in(
      cache,
    );
    const fails = (): never => {
      throw new Error('the origin is down');
    };
    await products.wrap(1, ({ key, reason }) => `${reason} of ${key}`);
    await products.wrap(2, () => 'short', 'short' as never);
    await products.set(3, 'by hand');
    await products.set(4, 'expired');
    await expect(products.expire(4)).resolves.toBe(true);
    clock.advance(61_000);

    await expect(products.get(1)).resolves.toBeUndefined();
    await expect(products.wrap(1, fails)).resolves.toBe('miss of products:1');
    await expect(products.wrap(3, fails)).resolves.toBe('by hand');
    await expect(products.wrap(4, fails)).resolves.toBe('expired');
    await expect(products.wrap(5, fails)).rejects.toThrow('the origin is down');
    await expect(products.wrap(2, fails)).resolves.toBe('short');
    await expect(products.wrap(1, () => 'fresh', { fresh: true })).resolves.toBe('fresh');
    clock.advance(3_600_000);
    await expect(products.wrap(3, fails)).rejects.toThrow('the origin is down');
  });

  it('passes on that a factory found nothing', async () => {
    const schema = counting(isProduct);
    const products = defineCache({ name: 'products', key: (id: number) => String(id), schema }).in(
      makeCache(),
    );

    await expect(products.wrap(1, () => undefined as never)).resolves.toBeUndefined();

    expect(schema.calls).not.toHaveBeenCalled();
  });

  it('is one for each cache, and one name means one definition there', async () => {
    const hyperCache = makeCache();
    const products = defineCache<string, string>({ name: 'products' });
    const others = defineCache<string, string>({ name: 'products' });

    expect(products.in(hyperCache)).toBe(products.in(hyperCache));
    await products.in(hyperCache).set('a', 'b');
    await expect(others.in(hyperCache).get('a')).rejects.toMatchObject({
      code: 'HC_ARGUMENT_INVALID',
      message: expect.stringContaining("'products'"),
    });
    await expect(others.in(makeCache()).get('a')).resolves.toBeUndefined();
  });

  it.each([
    ['no name', {}],
    ['an empty name', { name: '' }],
    ['a name with a separator', { name: 'a:b' }],
    ['a name with an at sign', { name: 'a@2' }],
    ['a name that is too long', { name: 'x'.repeat(65) }],
    ['a key that is no function', { name: 'a', key: 'b' }],
    ['a version that is no number', { name: 'a', version: '2' }],
    ['a negative version', { name: 'a', version: -1 }],
    ['a fraction of a version', { name: 'a', version: 1.5 }],
    ['a schema of another kind', { name: 'a', schema: { parse: () => true } }],
    ['a read of another kind', { name: 'a', read: 5 }],
    ['tags that are no list', { name: 'a', tags: 'b' }],
    ['a misspelled option', { name: 'a', tll: 5 }],
    ['a ttl without a unit', { name: 'a', ttl: '5' }],
    ['a negative ttl', { name: 'a', ttl: -1 }],
    ['a window without an end', { name: 'a', ttl: 0, grace: '1h' }],
    ['two ways to refresh early', { name: 'a', eager: 0.5, refreshThreshold: 5 }],
    ['an option of calls', { name: 'a', fresh: true }],
    ['nothing', undefined],
    ['null', null],
  ])('is not defined by %s', (_what, options) => {
    expect(() => defineCache(options as never)).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^HC_(ARGUMENT|TTL)_INVALID$/) }),
    );
  });

  it('refuses ids that make no key', async () => {
    const plain = defineCache<unknown, string>({ name: 'plain' }).in(makeCache());
    const made = defineCache<unknown, string>({ name: 'made', key: (id) => id as string }).in(
      makeCache(),
    );
    for (const id of [{ id: 1 }, undefined, null, Number.NaN, true, 1n]) {
      await expect(plain.get(id)).rejects.toMatchObject({ code: 'HC_ARGUMENT_INVALID' });
      await expect(made.set(id, 'x')).rejects.toMatchObject({ code: 'HC_ARGUMENT_INVALID' });
    }
    await expect(plain.get('x'.repeat(2000))).rejects.toMatchObject({ code: 'HC_KEY_INVALID' });
  });

  it('is held by the compiler to the types of its definition', async () => {
    const schema = z.object({ id: z.number(), name: z.string() });
    const products = defineCache({ name: 'products', key: (id: number) => String(id), schema }).in(
      makeCache(),
    );
    const found: Product | undefined = await products.get(1);
    expect(found).toBeUndefined();
    const calls = [
      // @ts-expect-error an id of another type
      () => products.get('1'),
      // @ts-expect-error a value of another type
      () => products.set(1, { id: 1 }),
      // @ts-expect-error a factory that makes another type
      () => products.wrap(1, () => 5),
      // @ts-expect-error no such option
      () => products.set(1, LAMP, { tll: 5 }),
    ];
    expect(calls).toHaveLength(4);
  });
});
