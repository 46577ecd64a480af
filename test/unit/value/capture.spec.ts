import { describe, expect, it } from '@jest/globals';
import { captureValue, copyValue, freezeValue } from '../../../lib/value/capture.js';

const LIMIT = 1024 * 1024;
const UNSUPPORTED = { code: 'HC_VALUE_UNSUPPORTED' };
const TOO_LARGE = { code: 'HC_VALUE_TOO_LARGE' };

function keep(value: unknown, limit = LIMIT): unknown {
  return captureValue(value, limit).value;
}

function refusal(value: unknown, limit = LIMIT): unknown {
  try {
    captureValue(value, limit);
    return undefined;
  } catch (error) {
    return error;
  }
}

function nested(levels: number): unknown {
  let value: unknown = 'core';
  for (let i = 0; i < levels; i++) value = i % 2 === 0 ? [value] : { value };
  return value;
}

class Point {
  constructor(
    readonly x: number,
    readonly y: number,
  ) {}
  get length(): number {
    return Math.hypot(this.x, this.y);
  }
}

describe('captureValue', () => {
  describe('refuses', () => {
    const cyclic: Record<string, unknown> = {};
    cyclic['self'] = { cyclic };
    const cyclicMap = new Map<string, unknown>();
    cyclicMap.set('self', cyclicMap);
    const cyclicSet = new Set<unknown>();
    cyclicSet.add([cyclicSet]);

    it.each([
      ['undefined', undefined],
      ['a function', () => undefined],
      ['a class', Point],
      ['a symbol', Symbol('s')],
      ['a promise', Promise.resolve(1)],
      ['an error', new Error('no')],
      ['an error of a subclass', new TypeError('no')],
      ['a regular expression', /x/],
      ['a typed array other than Uint8Array', new Float64Array(2)],
      ['a Uint8ClampedArray', new Uint8ClampedArray(2)],
      ['a DataView', new DataView(new ArrayBuffer(8))],
      ['an ArrayBuffer', new ArrayBuffer(8)],
      ['a SharedArrayBuffer', new SharedArrayBuffer(8)],
      ['a WeakMap', new WeakMap()],
      ['a WeakSet', new WeakSet()],
      ['a boxed number', Object(1)],
      ['a boxed string', Object('s')],
      ['a boxed bigint', Object(1n)],
      ['a generator', (function* () {})()],
      ['a proxy of a class instance', new Proxy(new Point(1, 2), {})],
      ['a cycle through objects', cyclic],
      ['a cycle through a map', cyclicMap],
      ['a cycle through a set', cyclicSet],
      ['more than a thousand levels', nested(1001)],
      ["a field named '__proto__'", JSON.parse('{ "__proto__": { "isAdmin": true } }')],
    ])('%s', (_name, value) => {
      expect(refusal(value)).toMatchObject(UNSUPPORTED);
    });

    it.each([
      ['in a field', (value: unknown) => ({ a: { b: value } })],
      ['in an array', (value: unknown) => [[value]]],
      ['as a value of a map', (value: unknown) => new Map([['k', value]])],
      ['as a key of a map', (value: unknown) => new Map([[value, 'v']])],
      ['in a set', (value: unknown) => new Set([value])],
    ])('a function %s', (_name, wrap) => {
      expect(refusal(wrap(() => undefined))).toMatchObject(UNSUPPORTED);
    });

    it('a toJSON() that returns undefined, and one that returns itself', () => {
      expect(
        refusal(
          new (class {
            toJSON = () => undefined;
          })(),
        ),
      ).toMatchObject(UNSUPPORTED);
      expect(
        refusal(
          new (class {
            toJSON = () => this;
          })(),
        ),
      ).toMatchObject(UNSUPPORTED);
    });
  });

  describe('keeps', () => {
    it('a thousand levels', () => {
      expect(keep(nested(1000))).toEqual(nested(1000));
    });

    it.each([24, 25])('a thousand levels of %s fields, of objects that come often', (width) => {
      const level = (value: unknown): object =>
        Object.fromEntries(Array.from({ length: width }, (_, i) => [`f${i}`, i || value]));
      for (let i = 0; i < 50; i++) keep(level(i));
      let value: unknown = 'core';
      for (let i = 0; i < 1000; i++) value = level(value);
      expect(refusal(value)).toBeUndefined();
    });

    it.each([3, 50])('fields under inherited names, of objects that come often, %s', (width) => {
      const fields = Object.fromEntries(Array.from({ length: width }, (_, i) => [`i${i}`, i]));
      const value = { toString: 1, constructor: 'x', ...fields };
      for (let i = 0; i < 50; i++) {
        const kept = keep(value) as object;
        expect(kept).toEqual(value);
        expect(Object.keys(kept)).toEqual(Object.keys(value));
        expect(Object.getPrototypeOf(kept)).toBe(Object.prototype);
      }
    });

    it('objects that come often as objects like any other', () => {
      const kept = Array.from({ length: 50 }, (_, i) => keep({ id: i, name: 'a' }) as object);
      for (const one of kept) expect(one.constructor).toBe(Object);
      const last = Object.freeze(kept.at(-1)) as { id: number };
      expect(() => (last.id = 1)).toThrow("of object '#<Object>'");
    });

    it('undefined inside, as a field and for holes', () => {
      // eslint-disable-next-line no-sparse-arrays
      expect(keep({ a: undefined, b: [1, , 3] })).toStrictEqual({
        a: undefined,
        b: [1, undefined, 3],
      });
    });

    it('an instance of a class as its own fields, without those of its prototype', () => {
      const kept = keep({ at: new Point(3, 4) });
      expect(kept).toStrictEqual({ at: { x: 3, y: 4 } });
    });

    it('what toJSON() of an instance returns', () => {
      class Money {
        constructor(private readonly cents: number) {}
        toJSON(): unknown {
          return { euros: this.cents / 100, since: new Date(5) };
        }
      }
      expect(keep([new Money(150)])).toStrictEqual([{ euros: 1.5, since: new Date(5) }]);
      expect(keep(new URL('http://host/path'))).toBe('http://host/path');
    });

    it('an object without a prototype', () => {
      const bare: Record<string, unknown> = Object.assign(Object.create(null), { a: 1 });
      expect(keep(bare)).toStrictEqual({ a: 1 });
    });

    it('what a getter returns, read once', () => {
      let reads = 0;
      const value = {
        get count() {
          return ++reads;
        },
      };
      expect(keep(value)).toStrictEqual({ count: 1 });
      expect(reads).toBe(1);
    });

    it('no fields that are inherited, hidden or named by symbols', () => {
      const value = Object.create({ inherited: 1 }) as Record<string | symbol, unknown>;
      Object.defineProperty(value, 'hidden', { value: 2, enumerable: false });
      value[Symbol('tag')] = { secret: true };
      value['own'] = 3;
      const kept = keep({ value, [Symbol('tag')]: {} });
      expect(Reflect.ownKeys(kept as object)).toEqual(['value']);
      expect(Reflect.ownKeys((kept as { value: object }).value)).toEqual(['own']);
    });

    it.each(['constructor', 'prototype', 'toString', 'hasOwnProperty', 'toJSON', ''])(
      'a field named %p',
      (name) => {
        expect(keep({ [name]: 1 })).toStrictEqual({ [name]: 1 });
      },
    );

    it('the elements of an array with a class of its own', () => {
      class Odd extends Array<number> {
        override *[Symbol.iterator](): ArrayIterator<number> {
          for (;;) yield 0;
        }
      }
      expect(keep(Odd.of(1, 2))).toEqual([1, 2]);
      expect(keep(Object.assign([1, 2], { slice: 'no method' }))).toEqual([1, 2]);
      class List extends Array<number> {}
      const kept = keep(List.from([1, 2]));
      expect(kept).toStrictEqual([1, 2]);
    });

    it('an object that is shared within the value, in every place', () => {
      const shared = { n: 1 };
      expect(keep([shared, shared])).toStrictEqual([{ n: 1 }, { n: 1 }]);
    });
  });

  it('passes on what a getter throws', () => {
    const cause = new Error('from the getter');
    const value = {
      get broken(): never {
        throw cause;
      },
    };
    expect(refusal(value)).toBe(cause);
  });

  it('keeps a copy: nothing that the caller does later reaches it', () => {
    const given = {
      list: [{ n: 1 }],
      at: new Date(1),
      of: new Map([['k', { n: 1 }]]),
      all: new Set([1]),
      bytes: Buffer.from([1]),
      raw: Uint8Array.of(1),
    };
    const kept = keep(given);
    given.list[0] = { n: 2 };
    given.list.push({ n: 3 });
    given.at.setTime(2);
    given.of.set('other', { n: 2 });
    given.all.add(2);
    given.bytes[0] = 2;
    given.raw[0] = 2;
    expect(kept).toEqual({
      list: [{ n: 1 }],
      at: new Date(1),
      of: new Map([['k', { n: 1 }]]),
      all: new Set([1]),
      bytes: Buffer.from([1]),
      raw: Uint8Array.of(1),
    });
  });

  describe('stops early', () => {
    it('at an object whose shared references unfold without end', () => {
      let value: unknown = 'x';
      for (let i = 0; i < 60; i++) value = [value, value];
      expect(refusal(value, 4096)).toMatchObject(TOO_LARGE);
    });

    it('at an array that is longer than the limit has bytes, whatever is in it', () => {
      expect(refusal(new Array(2 ** 32 - 1), 4096)).toMatchObject(TOO_LARGE);
      expect(refusal({ list: new Array(5000).fill(null) }, 4096)).toMatchObject(TOO_LARGE);
    });
  });

  it.each([
    ['a string', 'x'.repeat(1000), 1000],
    ['nulls', new Array(1000).fill(null), 1000],
    ['a huge bigint', 1n << 8000n, 1000],
    ['a Buffer', Buffer.alloc(1000), 1000],
    ['numbers', new Array(1000).fill(0.5), 8000],
    [
      'field names',
      Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`field-${i}`, 0])),
      700,
    ],
  ])('estimates the size of %s', (_name, value, bytes) => {
    const captured = captureValue(value, LIMIT);
    expect(captured.bytes).toBeGreaterThanOrEqual(bytes);
    expect(captured.bytes).toBeLessThanOrEqual(5 * bytes);
  });
});

describe('copyValue', () => {
  it('copies in depth, with every type', () => {
    const own = {
      list: [{ n: 1 }],
      at: new Date(1),
      of: new Map([[{ k: 1 }, { n: 1 }]]),
      all: new Set([{ n: 1 }]),
      bytes: Buffer.from([1]),
      raw: Uint8Array.of(1),
      nothing: null,
      missing: undefined,
    };
    const copy = copyValue(own);
    expect(copy).toStrictEqual(own);
    expect(Buffer.isBuffer(copy.bytes)).toBe(true);
    expect(Buffer.isBuffer(copy.raw)).toBe(false);
    for (const name of ['list', 'at', 'of', 'all', 'bytes', 'raw'] as const) {
      expect(copy[name]).not.toBe(own[name]);
    }
    expect(copy.list[0]).not.toBe(own.list[0]);
    expect(Array.from(copy.of.keys())[0]).not.toBe(Array.from(own.of.keys())[0]);
    expect(Array.from(copy.all)[0]).not.toBe(Array.from(own.all)[0]);
  });

  it('gives back what it does not know, as it is', () => {
    const point = new Point(1, 2);
    expect(copyValue(point)).toBe(point);
  });
});

describe('freezeValue', () => {
  it('freezes objects and arrays in depth', () => {
    const value = { list: [{ n: 1 }] };
    expect(freezeValue(value)).toBe(true);
    expect([value, value.list, value.list[0]].map((part) => Object.isFrozen(part))).toEqual([
      true,
      true,
      true,
    ]);
  });

  it.each([
    ['a Date', new Date(1)],
    ['a Map', new Map()],
    ['a Set', new Set()],
    ['a Buffer', Buffer.alloc(1)],
    ['a Uint8Array', new Uint8Array(1)],
  ])('leaves alone what holds %s, which freezing does not protect', (_name, inside) => {
    const value = { deep: [inside], other: { n: 1 } };
    expect(freezeValue(value)).toBe(false);
    expect(Object.isFrozen(value)).toBe(false);
    expect(Object.isFrozen(value.deep)).toBe(false);
    expect(Object.isFrozen(value.other)).toBe(true);
  });
});
