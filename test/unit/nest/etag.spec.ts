import { describe, expect, it } from '@jest/globals';
import { etagOf, isNamedBy } from '../../../lib/nest/http-cache/etag.js';

describe('etagOf', () => {
  it('is weak, of 96 bits, and follows from the content', () => {
    expect(etagOf('a')).toMatch(/^W\/"[\w-]{16}"$/);
    expect(etagOf('a')).toBe(etagOf(Buffer.from('a')));
    expect(etagOf('a')).not.toBe(etagOf('b'));
  });
});

describe('isNamedBy', () => {
  it.each<[string | undefined, string, boolean]>([
    ['W/"a"', 'W/"a"', true],
    ['"a"', 'W/"a"', true],
    ['W/"a"', '"a"', true],
    ['*', 'W/"a"', true],
    [' * ', 'W/"a"', true],
    ['"b", W/"a"', 'W/"a"', true],
    ['"b","a" , "c"', 'W/"a"', true],
    ['"x,y"', '"x,y"', true],
    ['"b", "x,y"', 'W/"x,y"', true],
    ['"x,y", "b"', '"y"', false],
    [undefined, 'W/"a"', false],
    ['', 'W/"a"', false],
    ['"b"', 'W/"a"', false],
    ['a', 'W/"a"', false],
    ['W/a', 'W/"a"', false],
    ['"a', 'W/"a"', false],
    ['"A"', 'W/"a"', false],
  ])('%j names %s: %s', (header, etag, expected) => {
    expect(isNamedBy(header, etag)).toBe(expected);
  });
});
