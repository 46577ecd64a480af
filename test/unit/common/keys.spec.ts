import { describe, expect, it } from '@jest/globals';
import { assertKey, prefixEnd } from '../../../lib/common/keys.js';

describe('assertKey', () => {
  it.each([
    ['a letter', 'k'],
    ['a blank', ' '],
    ['NUL', '\0'],
    ['wildcards of SQL', '%_*?'],
    ['a path', '../a/b'],
    ["'__proto__'", '__proto__'],
    ['an emoji', '\u{1f600}'],
    ['the last character', '\u{10ffff}'],
    ['1024 bytes in ASCII', 'x'.repeat(1024)],
    ['1024 bytes in emoji', '\u{1f600}'.repeat(256)],
    ['1023 bytes in three-byte characters', '日'.repeat(341)],
  ])('accepts %s', (_name, key) => {
    expect(() => assertKey(key)).not.toThrow();
  });

  it.each([
    ['nothing', '', 'The key is empty.'],
    ['1025 bytes in ASCII', 'x'.repeat(1025), 'The key takes 1025 bytes; the limit is 1024.'],
    ['1026 bytes in 342 characters', '日'.repeat(342), 'The key takes 1026 bytes'],
    ['a lone high surrogate', 'a\ud83d', 'lone surrogate'],
    ['a lone low surrogate', '\ude00a', 'lone surrogate'],
    ['surrogates in the wrong order', '\ude00\ud83d', 'lone surrogate'],
    ['a number', 5, 'The key is of type number, not a string.'],
    ['undefined', undefined, 'The key is undefined, not a string.'],
    ['null', null, 'The key is null, not a string.'],
    ['an array', ['a'], 'The key is an array, not a string.'],
    ['a String object', Object('a'), 'The key is of type object, not a string.'],
  ])('refuses %s', (_name, key, message) => {
    expect(() => assertKey(key)).toThrow(
      expect.objectContaining({
        code: 'HC_KEY_INVALID',
        message: expect.stringContaining(message),
      }),
    );
  });

  it('says what it is about', () => {
    expect(() => assertKey('', 'tag')).toThrow('The tag is empty.');
  });
});

describe('prefixEnd', () => {
  it.each([
    ['a', 'b'],
    ['user:', 'user;'],
    ['a\0', 'a\x01'],
    ['a\x7f', 'a\x80'],
    ['\ud7ff', '\ue000'],
    ['\uffff', '\u{10000}'],
    ['\u{1f600}', '\u{1f601}'],
    ['\u{10fffe}', '\u{10ffff}'],
    ['a\u{10ffff}', 'b'],
    ['a\u{10ffff}\u{10ffff}', 'b'],
    ['\ud7ff\u{10ffff}', '\ue000'],
  ])('of %j is %j', (prefix, end) => {
    expect(prefixEnd(prefix)).toBe(end);
  });

  it.each([[''], ['\u{10ffff}'], ['\u{10ffff}\u{10ffff}']])('of %j does not exist', (prefix) => {
    expect(prefixEnd(prefix)).toBeUndefined();
  });
});
