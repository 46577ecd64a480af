import { describe, expect, it } from '@jest/globals';
import fc from '../../support/fast-check.js';
import { compositeKey } from '../../../lib/common/composite-key.js';

const part = fc.string({ unit: fc.constantFrom('a', ':', '\0', '1', '2') });

describe('compositeKey', () => {
  it('is the same only for the same parts', () => {
    fc.assert(
      fc.property(fc.array(part), fc.array(part), (some, others) => {
        const areSame = JSON.stringify(some) === JSON.stringify(others);
        expect(compositeKey(...some) === compositeKey(...others)).toBe(areSame);
      }),
    );
  });

  it.each([
    [
      ['a', 'b:c'],
      ['a:b', 'c'],
    ],
    [
      ['a', 'b\0c'],
      ['a\0b', 'c'],
    ],
    [
      ['', '1:a'],
      ['1:', 'a'],
    ],
    [['a', ''], ['a']],
  ])('tells %j from %j', (some, others) => {
    expect(compositeKey(...some)).not.toBe(compositeKey(...others));
  });
});
