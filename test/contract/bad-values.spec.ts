import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Cache } from 'cache-manager';
import type { HyperCache } from '../../lib/nest/hyper-cache.service.js';
import type { HyperCacheOptions } from '../../lib/node/options.js';
import { cacheManagerOn, hyperCacheOn } from '../support/hyper-caches.js';
import { onEngines } from '../support/engines.js';
import { useSharedNode } from '../support/nodes.js';

const LIMIT = 10_000;

const VARIANTS: readonly [name: string, options: HyperCacheOptions][] = [
  ['by default', { maxValueSize: LIMIT }],
  ['without L1', { maxValueSize: LIMIT, l1: false }],
  ["with durability 'relaxed'", { maxValueSize: LIMIT, durability: 'relaxed' }],
];

const cyclicObject: Record<string, unknown> = { name: 'a' };
cyclicObject['self'] = cyclicObject;
const cyclicArray: unknown[] = [];
cyclicArray.push([cyclicArray]);
const cyclicMap = new Map<string, unknown>();
cyclicMap.set('self', cyclicMap);
const cyclicSet = new Set<unknown>();
cyclicSet.add(cyclicSet);

/** Would come back as something else, or not at all. */
const UNSUPPORTED: readonly [name: string, value: unknown][] = [
  ['a function', () => 1],
  ['a symbol', Symbol('value')],
  ['a promise', Promise.resolve(1)],
  ['an error', new Error('failed')],
  ['a regular expression', /a/],
  ['a WeakMap', new WeakMap()],
  ['an ArrayBuffer', new ArrayBuffer(8)],
  ['a Float64Array', new Float64Array(2)],
  ['a DataView', new DataView(new ArrayBuffer(8))],
  ['a boxed number', Object(1)],
  ['a Proxy', new Proxy(new Map(), {})],
  ['a toJSON that returns undefined', { toJSON: () => undefined }],
];

/** Cyclic ones: which limit they hit first is left open. */
const CYCLIC: readonly [name: string, value: unknown][] = [
  ['a cyclic object', cyclicObject],
  ['a cyclic array', cyclicArray],
  ['a cyclic Map', cyclicMap],
  ['a cyclic Set', cyclicSet],
];

const withProto: unknown = JSON.parse('{"a":1,"__proto__":{"isAdmin":true}}');

const TOO_LARGE: readonly [name: string, value: unknown][] = [
  ['a string', 'x'.repeat(LIMIT + 1)],
  ['a string of two-byte characters', 'é'.repeat(LIMIT / 2 + 1)],
  ['a Buffer', Buffer.alloc(LIMIT + 1)],
  ['a Uint8Array', new Uint8Array(LIMIT + 1)],
  ['an array of strings', Array.from({ length: 101 }, () => 'x'.repeat(100))],
  ['an array of numbers', Array.from({ length: LIMIT }, (_, i) => i + 0.5)],
  ['an array of holes', new Array(LIMIT * 10)],
  ['a field name', { ['x'.repeat(LIMIT)]: 1 }],
  ['a Map', new Map([['key', 'x'.repeat(LIMIT)]])],
];

describe.each(onEngines(VARIANTS))('values, %s', (_name, options, make) => {
  const node = useSharedNode(options, make);
  let cache: HyperCache;
  let manager: Cache;
  beforeEach(async () => {
    const namespace = `cache-${expect.getState().currentTestName}`;
    cache = hyperCacheOn(node(), namespace);
    manager = cacheManagerOn(node(), namespace);
    await cache.set('key', 'old', 60_000);
  });

  /** Every way to store something refuses, and leaves what was there. */
  async function expectRefused(value: unknown, code: unknown): Promise<void> {
    const { revision } = await cache.getWithRevision('key');
    const calls: (() => Promise<unknown>)[] = [
      () => cache.set('key', value),
      () => cache.set('key', value, { ttl: 1000, tags: ['tag'] }),
      () => cache.mset([{ key: 'key', value }]),
      () => cache.setIf('key', value, revision),
      () => cache.add('new', value),
      () => manager.set('key', value),
      () => manager.mset([{ key: 'key', value }]),
    ];
    for (const call of calls) await expect(call()).rejects.toMatchObject({ code });

    await expect(cache.get('key')).resolves.toBe('old');
    await expect(cache.ttl('key')).resolves.toBeGreaterThan(0);
    await expect(cache.has('new')).resolves.toBe(false);
    await expect(cache.getWithRevision('key')).resolves.toEqual({ value: 'old', revision });
  }

  it.each(UNSUPPORTED)('%s is refused, and the old value stays', async (_what, value) => {
    await expectRefused(value, 'HC_VALUE_UNSUPPORTED');
  });

  it.each(UNSUPPORTED)('%s is refused in the depth of a value', async (_what, value) => {
    await expectRefused({ list: [{ inner: value }] }, 'HC_VALUE_UNSUPPORTED');
    await expectRefused(new Map([['key', value]]), 'HC_VALUE_UNSUPPORTED');
    await expectRefused(new Set([[value]]), 'HC_VALUE_UNSUPPORTED');
  });

  it.each(UNSUPPORTED)('%s is refused from a factory, and nothing is stored', async (_w, value) => {
    // A promise is awaited by wrap itself.
    const made = { value };

    for (const wrap of [
      () => cache.wrap('made', () => made),
      () => manager.wrap('made', () => made),
    ]) {
      await expect(wrap()).rejects.toMatchObject({ code: 'HC_VALUE_UNSUPPORTED' });
      await expect(cache.has('made')).resolves.toBe(false);
    }
  });

  it.each(CYCLIC)('%s is refused, and the old value stays', async (_what, value) => {
    await expectRefused(value, expect.stringMatching(/^HC_VALUE_(UNSUPPORTED|TOO_LARGE)$/));
  });

  it("a field named '__proto__' is refused, and no prototype changes", async () => {
    await expectRefused(withProto, 'HC_VALUE_UNSUPPORTED');
    await expectRefused([{ inner: withProto }], 'HC_VALUE_UNSUPPORTED');

    expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined();
  });

  it("keys of a Map named '__proto__' and fields named 'constructor' are values like any other", async () => {
    const value = {
      map: new Map([['__proto__', { isAdmin: true }]]),
      constructor: 1,
      toString: 2,
      hasOwnProperty: 3,
    };
    await cache.set('key', value);

    await expect(cache.get('key')).resolves.toEqual(value);
    await expect(cache.getWithRevision('key')).resolves.toMatchObject({ value });
  });

  it('undefined is refused by HyperCache, and is a deletion for CACHE_MANAGER', async () => {
    await expect(cache.set('key', undefined)).rejects.toMatchObject({
      code: 'HC_VALUE_UNSUPPORTED',
      hint: expect.stringContaining('null'),
    });
    await expect(cache.get('key')).resolves.toBe('old');

    await manager.set('key', undefined);
    await expect(cache.get('key')).resolves.toBeUndefined();
  });

  it.each(TOO_LARGE)(
    '%s over the limit is refused, and the old value stays',
    async (_what, value) => {
      await expectRefused(value, 'HC_VALUE_TOO_LARGE');
    },
  );

  it('a graph of shared references that would unfold without end is refused at once', async () => {
    let value: unknown = { leaf: true };
    for (let i = 0; i < 60; i++) value = [value, value];

    await expectRefused(value, 'HC_VALUE_TOO_LARGE');
  });

  it('the refusal names size and limit', async () => {
    await expect(cache.set('key', 'x'.repeat(LIMIT + 1))).rejects.toMatchObject({
      bytes: LIMIT + 1,
      maxBytes: LIMIT,
      hint: expect.stringContaining('maxValueSize'),
    });
  });

  it('a string of exactly the limit is stored', async () => {
    await cache.set('key', 'x'.repeat(LIMIT));

    await expect(cache.getWithRevision('key')).resolves.toMatchObject({ value: 'x'.repeat(LIMIT) });
  });

  it('a value over the limit from a factory is returned, not stored, and an event tells it', async () => {
    const errors: unknown[] = [];
    const listener = (event: unknown): unknown => errors.push(event);
    cache.on('error', listener);
    const made = { list: ['x'.repeat(LIMIT)], at: new Date(0) };

    await expect(cache.wrap('made', () => made)).resolves.toEqual(made);
    cache.off('error', listener);

    await expect(cache.has('made')).resolves.toBe(false);
    expect(errors).toMatchObject([
      { error: { code: 'HC_VALUE_TOO_LARGE' }, during: expect.stringContaining('factory') },
    ]);
  });

  it('an error never shows the value', async () => {
    const secret = 'secret-of-the-user';

    const errors = await Promise.all([
      cache.set('key', { secret, callback: () => secret }).catch(String),
      cache.set('key', secret.repeat(LIMIT)).catch(String),
      cache.set('key', Symbol(secret)).catch(String),
    ]);

    expect(errors).toHaveLength(3);
    for (const error of errors) expect(error).not.toContain(secret);
  });
});
