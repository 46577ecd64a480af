import { describe, expect, it, jest } from '@jest/globals';
import { inspect } from 'node:util';
import { decodeValue, encodeValue, storedBytes } from '../../../lib/value/codec.js';
import { captureValue } from '../../../lib/value/capture.js';

const LIMIT = 64 * 1024 * 1024;

function encode(value: unknown): string | number | Buffer {
  return encodeValue(captureValue(value, LIMIT));
}

/** Tells types, signs, prototypes and order apart, where `toEqual` does not. */
function show(value: unknown): string {
  return inspect(value, { depth: Infinity, maxArrayLength: Infinity, maxStringLength: Infinity });
}

/** One value of every type, some of them at their edges. */
const LEAVES: readonly (readonly [name: string, value: unknown])[] = [
  ['an empty string', ''],
  ['a string', 'text'],
  ['a string beyond the BMP', 'a\u{1f600}\u{10ffff}'],
  ['a string with NUL', 'a\0b\0'],
  ['a lone high surrogate', '\ud800'],
  ['a lone low surrogate within text', 'a\udc00b'],
  ['a long string', 'é'.repeat(70_000)],
  ['zero', 0],
  ['minus zero', -0],
  ['a fraction', 0.1],
  ['the largest number', Number.MAX_VALUE],
  ['the smallest number', Number.MIN_VALUE],
  ['the largest safe integer', Number.MAX_SAFE_INTEGER],
  ['an integer beyond the safe ones', 2 ** 60],
  ['NaN', NaN],
  ['infinity', Infinity],
  ['minus infinity', -Infinity],
  ['true', true],
  ['false', false],
  ['null', null],
  ['zero as a bigint', 0n],
  ['a small bigint', -5n],
  ['the bigint 2^63', 1n << 63n],
  ['the bigint -2^63', -(1n << 63n)],
  ['the bigint 2^64', 1n << 64n],
  ['a huge bigint', 3n ** 10_000n],
  ['a huge negative bigint', -(3n ** 10_000n)],
  ['a Date', new Date('2026-01-01T00:00:00.123Z')],
  ['a Date before 1970', new Date(-1)],
  ['the last Date', new Date(8.64e15)],
  ['the first Date', new Date(-8.64e15)],
  ['an invalid Date', new Date(NaN)],
  ['a Buffer', Buffer.from([0, 0xc1, 255])],
  ['an empty Buffer', Buffer.alloc(0)],
  ['a Uint8Array', Uint8Array.of(0, 0xc1, 255)],
  ['an empty Uint8Array', new Uint8Array(0)],
  ['an empty object', {}],
  ['an empty array', []],
  ['an empty Map', new Map()],
  ['an empty Set', new Set()],
];

const CONTAINERS: readonly (readonly [name: string, wrap: (value: unknown) => unknown])[] = [
  ['itself', (value) => value],
  ['in an object', (value) => ({ value })],
  ['in an array', (value) => [value, value]],
  ['as a key of a Map', (value) => new Map([[value, 1]])],
  ['as a value of a Map', (value) => new Map([['k', value]])],
  ['in a Set', (value) => new Set([value])],
  ['in an array of rows', (value) => [1, 2, 3, 4, 5].map((id) => ({ id, value }))],
  ['deep inside', (value) => ({ a: [new Map([[{ b: 1 }, new Set([[{ c: value }]])]])] })],
  ['beside what MessagePack has no form for', (value) => ({ value, zero: -0, odd: '\udfff' })],
];

describe.each(LEAVES)('%s', (_leaf, value) => {
  it.each(CONTAINERS)('comes back as it went in: %s', (_container, wrap) => {
    const given = wrap(value);
    expect(show(decodeValue(encode(given)))).toBe(show(given));
  });
});

describe('undefined', () => {
  it.each(CONTAINERS.slice(1))('comes back as it went in: %s', (_container, wrap) => {
    const given = wrap(undefined);
    expect(show(decodeValue(encode(given)))).toBe(show(given));
  });
});

describe('every container in every other', () => {
  const pairs = CONTAINERS.flatMap(([outer, wrapOuter]) =>
    CONTAINERS.map(([inner, wrapInner]) => [outer, inner, wrapOuter(wrapInner('x'))] as const),
  );
  it.each(pairs)('comes back as it went in: %s, %s', (_outer, _inner, given) => {
    expect(show(decodeValue(encode(given)))).toBe(show(given));
  });
});

describe('fields', () => {
  const NAMES = [
    '',
    ' ',
    'constructor',
    'prototype',
    'toString',
    'hasOwnProperty',
    'length',
    'toJSON',
    'then',
    '0',
    '10',
    '9',
    '-1',
    '1.5',
    '007',
    'a.b',
    '"quoted"',
    "it's",
    '`${x}`',
    '\\',
    '\n\u2028\u2029',
    '\0',
    '\u{1f600}',
    '\ud800',
    'class',
    'ñ'.repeat(300),
  ];

  it.each(NAMES)('of the name %j come back', (name) => {
    for (const given of [{ [name]: 1 }, new Array(5).fill({ [name]: [-0] })]) {
      expect(show(decodeValue(encode(given)))).toBe(show(given));
    }
  });

  it('keep their order, in one object and in rows', () => {
    const row = Object.fromEntries(NAMES.map((name, i) => [name, i]));
    for (const given of [row, new Array(5).fill(row)]) {
      expect(show(decodeValue(encode(given)))).toBe(show(given));
    }
  });

  it("named 'constructor' and 'toJSON' in one object come back", () => {
    const row = { constructor: { name: 'x' }, toJSON: 'y' };
    for (const given of [row, new Array(5).fill(row)]) {
      expect(show(decodeValue(encode(given)))).toBe(show(given));
    }
  });

  it('may be many', () => {
    const wide = Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`field ${i}`, i]));
    for (const given of [wide, new Array(4).fill(wide)]) {
      expect(decodeValue(encode(given))).toStrictEqual(given);
    }
  });
});

describe('arrays of rows', () => {
  it('of a hundred shapes come back', () => {
    const rows = Array.from({ length: 5000 }, (_, i) => ({
      id: i,
      [`field${i % 100}`]: { at: new Date(i), [`inner${i % 7}`]: i / 3 },
    }));
    expect(decodeValue(encode(rows))).toStrictEqual(rows);
  });

  it('name their fields once', () => {
    const rows = Array.from({ length: 1000 }, (_, i) => ({ aVeryLongFieldName: i % 100 }));
    expect(storedBytes(encode(rows))).toBeLessThan(5000);
  });

  it('are read by a process that has written none of them', async () => {
    const rows = Array.from({ length: 10 }, (_, id) => ({ id, odd: -0, tags: new Set([id]) }));
    const plain = Array.from({ length: 10 }, (_, id) => ({ id, at: new Date(id) }));
    jest.resetModules();
    const other = await import('../../../lib/value/codec.js');
    expect(other.decodeValue).not.toBe(decodeValue);
    expect(show(other.decodeValue(encode(rows)))).toBe(show(rows));
    expect(show(other.decodeValue(encode(plain)))).toBe(show(plain));
  });
});

describe('stored values', () => {
  it('are the string or the number itself where SQLite can hold it', () => {
    expect(['text', 1, 0.5].map(encode)).toEqual(['text', 1, 0.5]);
    for (const value of ['\ud800', NaN, Infinity, -0, null, true, 1n]) {
      expect(Buffer.isBuffer(encode(value))).toBe(true);
    }
  });

  it('are copies: neither the bytes given nor the bytes stored reach them', () => {
    const given = Buffer.from([1, 2, 3]);
    const stored = encode({ given });
    given.fill(9);
    const value = decodeValue(stored) as { given: Buffer };
    expect(value.given).toEqual(Buffer.from([1, 2, 3]));
    if (Buffer.isBuffer(stored)) stored.fill(0);
    expect(value.given).toEqual(Buffer.from([1, 2, 3]));
  });

  it('take the bytes that storedBytes says', () => {
    expect(storedBytes('é')).toBe(2);
    expect(storedBytes(5)).toBe(8);
    expect(storedBytes(Buffer.alloc(7))).toBe(7);
  });
});
