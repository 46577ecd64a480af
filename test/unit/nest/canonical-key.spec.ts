import { describe, expect, it } from '@jest/globals';
import { Readable } from 'node:stream';
import { canonicalKey } from '../../../lib/nest/decorators/canonical-key.js';

const keyOf = (...args: unknown[]): string => canonicalKey('find()', args);

class Dto {
  id = 1;
}

class Money {
  constructor(readonly cents: number) {}
  toJSON(): object {
    return { cents: this.cents };
  }
}

class Weight extends Money {}

describe('canonicalKey', () => {
  it('is 128 bits in hexadecimal digits', () => {
    expect(keyOf(1, 'a')).toMatch(/^[\da-f]{32}$/);
  });

  it('tells arguments apart', () => {
    const hole: unknown[] = [];
    hole.length = 1;
    const different: unknown[][] = [
      [],
      [undefined, 1],
      [null],
      [true],
      [false],
      ['true'],
      [1],
      ['1'],
      [1n],
      [0],
      [-0],
      [NaN],
      ['NaN'],
      [Infinity],
      [''],
      ['a:b', 'c'],
      ['a', 'b:c'],
      ['ab', 'c'],
      ['a', 'bc'],
      ['s1:a'],
      ['\ud800'],
      ['\udfff'],
      ['\ufffd'],
      [[]],
      [[undefined]],
      [hole],
      [[1], 2],
      [[1, 2]],
      [[[1], 2]],
      [{}],
      [{ a: 1 }],
      [{ a: undefined }],
      [{ b: 1 }],
      [{ a: { b: 1 } }],
      [{ a: {}, b: 1 }],
      [['a', 1]],
      [new Map()],
      [new Map([['a', 1]])],
      [new Map([['a', 2]])],
      [new Map([[{ id: 1 }, 1]])],
      [new Map([[{ id: 2 }, 1]])],
      [new Set()],
      [new Set([1])],
      [new Set(['1'])],
      [new Set([[1]])],
      [new Date(0)],
      [new Date(1)],
      [new Date(NaN)],
      [new Uint8Array([1])],
      [new Uint8Array([2])],
      [Buffer.from([1])],
      [new Money(1)],
      [new Money(2)],
      [new Weight(1)],
      [{ cents: 1 }],
      [new URL('http://a.test/')],
    ];
    const keys = different.map((args) => keyOf(...args));

    expect(new Set(keys).size).toBe(different.length);
  });

  it.each<[string, unknown[], unknown[]]>([
    ['the order of fields', [{ a: 1, b: [{ c: 2, d: 3 }] }], [{ b: [{ d: 3, c: 2 }], a: 1 }]],
    ['a missing prototype', [{ a: 1 }], [Object.assign(Object.create(null), { a: 1 })]],
    ['undefined at the end', ['a', undefined, undefined], ['a']],
    ['who made it', [new Map([['a', new Set([1])]])], [new Map([['a', new Set([1])]])]],
  ])('does not look at %s', (_what, left, right) => {
    expect(keyOf(...left)).toBe(keyOf(...right));
  });

  const cyclic: unknown[] = [];
  cyclic.push(cyclic);
  it.each<[string, unknown]>([
    ['an instance of a class', new Dto()],
    ['a function', () => 1],
    ['a symbol', Symbol('a')],
    ['a cycle', cyclic],
    ['a stream', Readable.from([])],
    ['a promise', Promise.resolve(1)],
    ['an error', new Error('a')],
    ['a regular expression', /a/],
    ['fields named by symbols', { [Symbol('a')]: 1 }],
    ['an ArrayBuffer', new ArrayBuffer(1)],
    ['one of them inside', { a: [new Map([[1, new Dto()]])] }],
  ])('refuses %s', (_what, value) => {
    expect(() => keyOf(1, value)).toThrow(
      expect.objectContaining({
        code: 'HC_ARGUMENT_INVALID',
        message: expect.stringContaining('argument 1 of find()'),
      }),
    );
  });
});
