import { describe, expect, it } from '@jest/globals';
import fc, { draws } from '../support/fast-check.js';
import { assertKey, prefixEnd } from '../../lib/common/keys.js';
import type { NodeCache } from '../../lib/node/hyper-cache-node.js';
import { useSharedNode } from '../support/nodes.js';

/** Where UTF-8 order, UTF-16 order and the ends of ranges differ. */
const edge = fc.constantFrom(
  '\0',
  'a',
  '%',
  '_',
  '/',
  '..',
  '\x7f',
  '\x80',
  '\ud7ff',
  '\ue000',
  '\uffff',
  '\u{10000}',
  '\u{10fffe}',
  '\u{10ffff}',
);
const character = fc.oneof(edge, fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }));
const shortKey = fc.string({ unit: character, minLength: 1, maxLength: 6 });
const longKey = fc
  .tuple(
    fc.string({ unit: character, minLength: 1, maxLength: 3 }),
    fc.integer({ min: 1, max: 400 }),
  )
  .map(([unit, times]) => unit.repeat(times))
  .filter((key) => Buffer.byteLength(key) <= 1024);
const key = fc.oneof({ weight: 5, arbitrary: shortKey }, { weight: 1, arbitrary: longKey });
const prefix = fc.string({ unit: character, maxLength: 3 });

async function collect(keys: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const each of keys) all.push(each);
  return all;
}

function inUtf8Order(keys: Iterable<string>): string[] {
  return Array.from(keys).toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

describe('prefixEnd', () => {
  it('is above everything with the prefix, and above nothing else that is above the prefix', () => {
    fc.assert(
      fc.property(prefix, key, (start, other) => {
        const end = prefixEnd(start);
        const bytes = Buffer.from(other);
        const isInRange =
          Buffer.compare(bytes, Buffer.from(start)) >= 0 &&
          (end === undefined || Buffer.compare(bytes, Buffer.from(end)) < 0);
        expect(isInRange).toBe(other.startsWith(start));
      }),
      draws(5000),
    );
  });

  it('is well-formed', () => {
    fc.assert(fc.property(prefix, (start) => prefixEnd(start)?.isWellFormed() ?? true));
  });
});

describe('assertKey', () => {
  it('accepts exactly the non-empty well-formed strings of up to 1024 bytes', () => {
    const junk = fc.array(fc.nat(0xffff), { maxLength: 4 });
    fc.assert(
      fc.property(junk, fc.integer({ min: 0, max: 400 }), (units, times) => {
        const given = String.fromCharCode(...units).repeat(times);
        const isAcceptable =
          given !== '' && given.isWellFormed() && Buffer.byteLength(given) <= 1024;
        if (isAcceptable) expect(() => assertKey(given)).not.toThrow();
        else
          expect(() => assertKey(given)).toThrow(
            expect.objectContaining({ code: 'HC_KEY_INVALID' }),
          );
      }),
      draws(3000),
    );
  });
});

describe('keys of a cache', () => {
  const node = useSharedNode({ l1: { maxEntries: 5 } });
  let namespaces = 0;

  /** A node has only so many namespaces. */
  async function emptyCache(): Promise<NodeCache> {
    const cache = node().cache(`keys ${namespaces++ % 1000}`);
    await cache.clear();
    return cache;
  }

  /** A cache and a Map that hold the same entries. */
  async function filled(
    keys: readonly string[],
  ): Promise<{ cache: NodeCache; map: Map<string, number> }> {
    const cache = await emptyCache();
    const map = new Map(keys.map((each, i) => [each, i]));
    await Promise.all(keys.map((each, i) => cache.set(each, i)));
    return { cache, map };
  }

  it('are found exactly, and no two of them meet', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(key, { maxLength: 20 }), key, async (keys, other) => {
        const { cache, map } = await filled(keys);
        for (const each of [...keys, other]) expect(await cache.get(each)).toBe(map.get(each));
      }),
      draws(150),
    );
  });

  it('are listed by prefix like those of a Map, in the order of UTF-8', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(shortKey, { maxLength: 20 }), prefix, async (keys, start) => {
        const { cache, map } = await filled(keys);
        const expected = Array.from(map.keys()).filter((each) => each.startsWith(start));
        expect(await collect(cache.keys(start))).toEqual(inUtf8Order(expected));
      }),
      draws(200),
    );
  });

  it('are deleted by prefix like those of a Map', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(shortKey, { maxLength: 20 }), prefix, async (keys, start) => {
        const { cache, map } = await filled(keys);
        const [gone, left] = [true, false].map((isMeant) =>
          Array.from(map.keys()).filter((each) => each.startsWith(start) === isMeant),
        );
        expect(await cache.deletePrefix(start)).toBe(gone?.length);
        for (const each of gone ?? []) expect(await cache.get(each)).toBeUndefined();
        for (const each of left ?? []) expect(await cache.get(each)).toBe(map.get(each));
        expect(await collect(cache.keys(''))).toEqual(inUtf8Order(left ?? []));
      }),
      draws(200),
    );
  });

  it('are deleted by tag exactly, whatever the tag', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(key, { minLength: 2, maxLength: 8 }), async (tags) => {
        const cache = await emptyCache();
        await Promise.all(tags.map((tag) => cache.set(tag, tag, { tags: [tag] })));
        const [first, ...others] = tags;
        expect(await cache.deleteTag(first ?? '')).toBe(1);
        expect(await cache.mget([first ?? ''])).toEqual([undefined]);
        expect(await cache.mget(others)).toEqual(others);
      }),
      draws(100),
    );
  });
});
