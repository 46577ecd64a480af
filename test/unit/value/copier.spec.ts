import { describe, expect, it } from '@jest/globals';
import { copierOf } from '../../../lib/value/copier.js';
import { copyValue } from '../../../lib/value/capture.js';

describe('A copier', () => {
  it('is shared by values that are built alike', () => {
    const make = (id: number) => ({ id, size: { width: id }, tags: ['a'], none: null });
    expect(copierOf(make(1))).toBe(copierOf(make(2)));
    expect(copierOf(make(1))).not.toBe(copierOf({ ...make(1), none: [] }));
  });

  it('copies what values that are built alike hold besides', () => {
    const copy = copierOf({ inner: { a: 1 } });
    expect(copy({ inner: { b: [1].length, c: 'x' }, more: 2 })).toEqual({
      inner: { b: 1, c: 'x' },
      more: 2,
    });
  });

  it.each([
    ['names that code would stumble over', { 'a"]': {}, "'\\\n${x}": [1], if: { for: {} } }],
    ['names of what all objects have', { constructor: { toString: [1] }, valueOf: {} }],
    ['lists of objects', { rows: [{ a: 1 }, { a: [2] }], empty: [] }],
    [
      'what is no plain object',
      { at: new Date(0), map: new Map([[1, {}]]), inner: { at: new Date(1) } },
    ],
    [
      'more objects than there is code for',
      Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`f${i}`, { i }])),
    ],
  ])('copies %s', (_what, value) => {
    const copy = copierOf(value)(value) as Record<string, unknown>;
    expect(copy).toEqual(value);
    for (const [name, field] of Object.entries(value)) expect(copy[name]).not.toBe(field);
  });

  it.each([
    ['a list', ['inherited']],
    ['an object', { inherited: {} }],
  ])('leaves alone %s that all objects inherit', (_what, inherited) => {
    // oxlint-disable-next-line no-extend-native
    Object.defineProperty(Object.prototype, 'everywhere', {
      value: inherited,
      enumerable: true,
      configurable: true,
      writable: true,
    });
    try {
      for (const copy of [copierOf({ a: { b: 1 } }), copyValue]) {
        const copied = copy({ a: { b: 1 } });
        expect(JSON.stringify(copied)).toBe('{"a":{"b":1}}');
      }
    } finally {
      Reflect.deleteProperty(Object.prototype, 'everywhere');
    }
  });

  it('is the common one when a name is so long that it must be data', () => {
    const [short, long, other] = ['s'.repeat(64), 'l'.repeat(65), 'o'.repeat(65)];
    expect(copierOf({ [long]: {} })).toBe(copierOf({ [other]: [] }));
    expect(copierOf({ [short]: {} })).not.toBe(copierOf({ [long]: {} }));
    const value = { [long]: { a: [1] } };
    expect(copierOf(value)(value)).toEqual(value);
  });

  it('is the common one when values are never built alike', () => {
    for (let i = 0; i < 3000; i++) copierOf({ [`user ${i}`]: {} });
    const value = { 'one more': { a: { b: 1 } } };
    expect(copierOf(value)(value)).toEqual(value);
    expect(copierOf({ 'another one': {} })).toBe(copierOf({ 'yet another': [] }));
  });
});
