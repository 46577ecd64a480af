import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Cache } from 'cache-manager';
import type { HyperCache } from '../../lib/nest/hyper-cache.service.js';
import type { HyperCacheOptions } from '../../lib/node/options.js';
import { cacheManagerOn, hyperCacheOn } from '../support/hyper-caches.js';
import { onEngines } from '../support/engines.js';
import { useSharedNode } from '../support/nodes.js';

const GOOD: readonly [name: string, key: string][] = [
  ['__proto__', '__proto__'],
  ['constructor', 'constructor'],
  ['toString', 'toString'],
  ['a NUL', '\0'],
  ['a NUL inside', 'a\0b'],
  ['a NUL at the end', 'a\0'],
  ['%', '%'],
  ['_', '_'],
  ['/', '/'],
  ['..', '..'],
  ['a path', '../../etc/passwd'],
  ['percent encoding', '%2e%2e%2f'],
  ['*', '*'],
  ['?', '?'],
  ['[a]', '[a]'],
  ['a quote', "'"],
  ['two quotes', "''"],
  ['a double quote', '"'],
  ['SQL', "'; DROP TABLE entries; --"],
  ['a backslash', '\\'],
  ['a space', ' '],
  ['a trailing space', 'a '],
  ['a line break', 'a\nb'],
  ['a byte order mark', '\ufeffa'],
  ['lower case', 'key'],
  ['upper case', 'KEY'],
  ['an emoji', '🍩'],
  ['an emoji of several code points', '👩‍👩‍👧'],
  ['é composed', '\u00e9'],
  ['é decomposed', 'e\u0301'],
  ['the last code point', '\u{10ffff}'],
  ['U+FFFF', '\uffff'],
  ['the replacement character', '\ufffd'],
  ['digits', '42'],
  ['digits with a fraction', '42.0'],
  ['1024 bytes', 'k'.repeat(1024)],
  ['1024 bytes of two-byte characters', 'é'.repeat(512)],
  ['1024 bytes of emoji', '🍩'.repeat(256)],
];

const BAD: readonly [name: string, key: unknown][] = [
  ['empty', ''],
  ['1025 bytes', 'k'.repeat(1025)],
  ['1026 bytes of two-byte characters', 'é'.repeat(513)],
  ['1028 bytes of emoji', '🍩'.repeat(257)],
  ['a megabyte', 'k'.repeat(1024 * 1024)],
  ['a lone high surrogate', '\ud800'],
  ['a lone low surrogate inside', 'a\udc00b'],
  ['surrogates in the wrong order', '\udc00\ud800'],
  ['undefined', undefined],
  ['null', null],
  ['a number', 42],
  ['NaN', Number.NaN],
  ['a boolean', true],
  ['a symbol', Symbol('key')],
  ['an object', {}],
  ['an array', ['key']],
  ['a String object', Object('key')],
  ['a function', () => 'key'],
];

const VARIANTS: readonly [name: string, options: HyperCacheOptions][] = [
  ['by default', {}],
  ['without L1', { l1: false }],
  ["with durability 'relaxed'", { durability: 'relaxed' }],
];

const REFUSAL = {
  name: 'InvalidKeyError',
  code: 'HC_KEY_INVALID',
  hint: expect.stringContaining('1024 bytes'),
};

describe.each(onEngines(VARIANTS))('keys, %s', (_name, options, make) => {
  const node = useSharedNode(options, make);
  let cache: HyperCache;
  let manager: Cache;
  beforeEach(() => {
    const namespace = `cache-${expect.getState().currentTestName}`.slice(0, 256).toWellFormed();
    cache = hyperCacheOn(node(), namespace);
    manager = cacheManagerOn(node(), namespace);
  });

  it('that are well formed are stored and found exactly, none in place of another', async () => {
    await Promise.all(GOOD.map(([name, key]) => cache.set(key, name)));

    await expect(cache.mget(GOOD.map(([, key]) => key))).resolves.toEqual(
      GOOD.map(([name]) => name),
    );
    await expect(manager.mget(GOOD.map(([, key]) => key))).resolves.toEqual(
      GOOD.map(([name]) => name),
    );
    const found = new Set<string>();
    for await (const key of cache.keys()) found.add(key);
    expect(found).toEqual(new Set(GOOD.map(([, key]) => key)));
  });

  it.each(GOOD)('%s is no other key', async (name, key) => {
    await cache.set(key, name);

    const others = GOOD.map(([, other]) => other).filter((other) => other !== key);

    await expect(cache.mget(others)).resolves.toEqual(others.map(() => undefined));
    await expect(manager.get(key)).resolves.toBe(name);
    await expect(cache.del(key)).resolves.toBe(true);
    await expect(cache.has(key)).resolves.toBe(false);
  });

  it.each(GOOD)('%s is a prefix of itself and of nothing else', async (name, key) => {
    await cache.set(key, name);
    await cache.set('beside', 'stays');

    await expect(cache.delByPrefix(key)).resolves.toBe(1);

    await expect(cache.get('beside')).resolves.toBe('stays');
    await expect(cache.has(key)).resolves.toBe(false);
  });

  it.each(BAD)('%s is refused by every method of HyperCache', async (_what, bad) => {
    const key = bad as string;
    const calls: (() => Promise<unknown>)[] = [
      () => cache.get(key),
      () => cache.mget(['good', key]),
      () => cache.has(key),
      () => cache.ttl(key),
      () => cache.getWithRevision(key),
      () => cache.set(key, 1),
      () => cache.mset([{ key, value: 1 }]),
      () => cache.add(key, 1),
      () => cache.setIf(key, 1, 0),
      () => cache.del(key),
      () => cache.mdel([key]),
      () => cache.pull(key),
      () => cache.touch(key),
      () => cache.increment(key),
      () => cache.decrement(key),
      () => cache.wrap(key, () => 1),
    ];

    for (const call of calls) await expect(call()).rejects.toMatchObject(REFUSAL);

    await expect(cache.clear()).resolves.toBe(0);
  });

  it.each(BAD)('%s is refused by CACHE_MANAGER', async (_what, bad) => {
    const key = bad as string;
    const calls: (() => Promise<unknown>)[] = [
      () => manager.get(key),
      () => manager.mget(['good', key]),
      () => manager.set(key, 1),
      () => manager.mset([{ key, value: 1 }]),
      () => manager.del(key),
      () => manager.mdel([key]),
      () => manager.wrap(key, () => 1),
    ];

    for (const call of calls) await expect(call()).rejects.toMatchObject(REFUSAL);
  });

  it.each(BAD.filter(([, key]) => key !== '' && key !== undefined))(
    '%s is refused as a prefix',
    async (_what, bad) => {
      const prefix = bad as string;

      await expect(cache.delByPrefix(prefix)).rejects.toMatchObject(REFUSAL);
      await expect(cache.keys(prefix).next()).rejects.toMatchObject(REFUSAL);
    },
  );

  it.each(BAD)('%s is refused as a tag', async (_what, bad) => {
    const tag = bad as string;
    await cache.set('key', 'old');

    await expect(cache.set('key', 1, { tags: ['good', tag] })).rejects.toMatchObject(REFUSAL);
    await expect(cache.add('new', 1, { tags: [tag] })).rejects.toMatchObject(REFUSAL);
    await expect(cache.wrap('new', () => 1, { tags: [tag] })).rejects.toMatchObject(REFUSAL);
    await expect(cache.delByTag(tag)).rejects.toMatchObject(REFUSAL);

    await expect(cache.mget(['key', 'new'])).resolves.toEqual(['old', undefined]);
  });

  it.each(GOOD)('%s is a tag like any other', async (_what, tag) => {
    await cache.set('tagged', 1, { tags: [tag] });
    await cache.set('other', 2, { tags: [`${tag.slice(0, 200)}x`] });

    await expect(cache.delByTag(tag)).resolves.toBe(1);

    await expect(cache.mget(['tagged', 'other'])).resolves.toEqual([undefined, 2]);
  });

  it('a bad one among several refuses all of them, at once', async () => {
    const entries = ['before', '', 'after'].map((key) => ({ key, value: 'new' }));
    const keys = entries.map(({ key }) => key);
    await cache.mset(['before', 'after'].map((key) => ({ key, value: 'old' })));
    const calls: (() => Promise<unknown>)[] = [
      () => cache.mset(entries),
      () => manager.mset(entries),
      () => cache.mdel(keys),
      () => manager.mdel(keys),
    ];

    for (const call of calls) await expect(call()).rejects.toMatchObject(REFUSAL);

    await cache.flush();
    await expect(cache.mget(['before', 'after'])).resolves.toEqual(['old', 'old']);
  });

  it.each([
    ['no array', 'tag'],
    ['more than 64', Array.from({ length: 65 }, (_, i) => `tag:${i}`)],
    ['null', null],
  ])('tags that are %s are refused', async (_what, bad) => {
    const tagged = { tags: bad as string[] };
    const refusal = { code: 'HC_ARGUMENT_INVALID', hint: expect.stringContaining('64') };

    await expect(cache.set('key', 1, tagged)).rejects.toMatchObject(refusal);
    await expect(cache.add('key', 1, tagged)).rejects.toMatchObject(refusal);
    await expect(cache.setIf('key', 1, 0, tagged)).rejects.toMatchObject(refusal);
    await expect(cache.wrap('key', () => 1, tagged)).rejects.toMatchObject(refusal);

    await expect(cache.has('key')).resolves.toBe(false);
  });

  it('64 tags are accepted, the same one twice counts once', async () => {
    const tags = Array.from({ length: 64 }, (_, i) => `tag:${i}`);
    await cache.set('many', 1, { tags });
    await cache.set('twice', 2, { tags: ['same', 'same'] });

    await expect(cache.delByTag('tag:63')).resolves.toBe(1);
    await expect(cache.delByTag('same')).resolves.toBe(1);
  });
});
