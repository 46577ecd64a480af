import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { decodeValue, encodeValue, storedBytes } from '../../lib/common/codec.js';
import { captureValue, copyValue } from '../../lib/common/value.js';
import { nested, show } from '../support/values.js';

const LIMIT = 1024 * 1024;

function expectSame(actual: unknown, expected: unknown): void {
  expect(show(actual)).toBe(show(expected));
}

const storable = nested.filter((each) => each !== undefined);

describe('any value', () => {
  let decodeElsewhere = decodeValue;
  beforeAll(async () => {
    jest.resetModules();
    ({ decodeValue: decodeElsewhere } = await import('../../lib/common/codec.js'));
  });

  it('comes back as it went in, also in a process that did not write it', () => {
    fc.assert(
      fc.property(storable, (given) => {
        const stored = encodeValue(captureValue(given, LIMIT));
        expectSame(decodeValue(stored), given);
        expectSame(decodeElsewhere(stored), given);
      }),
      { numRuns: 3000 },
    );
  });

  it('is captured and copied as it is', () => {
    fc.assert(
      fc.property(storable, (given) => {
        const { value: captured } = captureValue(given, LIMIT);
        expectSame(captured, given);
        expectSame(copyValue(captured), given);
      }),
      { numRuns: 1000 },
    );
  });

  it('takes at most four times its estimated size', () => {
    fc.assert(
      fc.property(storable, (given) => {
        const captured = captureValue(given, LIMIT);
        expect(storedBytes(encodeValue(captured))).toBeLessThanOrEqual(4 * captured.bytes);
      }),
      { numRuns: 2000 },
    );
  });
});
