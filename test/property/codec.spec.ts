import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import fc, { draws } from '../support/fast-check.js';
import { decodeValue, encodeValue, storedBytes } from '../../lib/value/codec.js';
import { copierOf } from '../../lib/value/copier.js';
import { captureValue, copyValue } from '../../lib/value/capture.js';
import { nested, show } from '../support/values.js';

const LIMIT = 1024 * 1024;

function expectSame(actual: unknown, expected: unknown): void {
  expect(show(actual)).toBe(show(expected));
}

/** No object of the one is part of the other. */
function expectApart(copy: unknown, original: unknown): void {
  const known = new Set(objectsIn(original));
  expect(objectsIn(copy).filter((object) => known.has(object))).toEqual([]);
}

function objectsIn(value: unknown): object[] {
  if (typeof value !== 'object' || value === null) return [];
  const items =
    value instanceof Map ? Array.from(value).flat() : value instanceof Set ? Array.from(value) : [];
  return [value, ...[...items, ...Object.values(value)].flatMap(objectsIn)];
}

const storable = nested.filter((each) => each !== undefined);

const json = fc.jsonValue().filter((each) => !JSON.stringify(each).includes('__proto__'));

describe('any value', () => {
  let decodeElsewhere = decodeValue;
  beforeAll(async () => {
    jest.resetModules();
    ({ decodeValue: decodeElsewhere } = await import('../../lib/value/codec.js'));
  });

  it('comes back as it went in, also in a process that did not write it', () => {
    fc.assert(
      fc.property(fc.oneof(storable, json), (given) => {
        const stored = encodeValue(captureValue(given, LIMIT));
        expectSame(decodeValue(stored), given);
        expectSame(decodeElsewhere(stored), given);
      }),
      draws(3000),
    );
  });

  it('is captured and copied as it is', () => {
    fc.assert(
      fc.property(storable, (given) => {
        const { value: captured } = captureValue(given, LIMIT);
        expectSame(captured, given);
        for (const copy of [copyValue, copierOf(captured), copierOf(captured)]) {
          expectSame(copy(captured), given);
          expectApart(copy(captured), captured);
        }
      }),
      draws(1000),
    );
  });

  it('takes at most six times its estimated size', () => {
    fc.assert(
      fc.property(storable, (given) => {
        const captured = captureValue(given, LIMIT);
        expect(storedBytes(encodeValue(captured))).toBeLessThanOrEqual(6 * captured.bytes);
      }),
      draws(2000),
    );
  });
});
