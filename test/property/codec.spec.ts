import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { inspect } from 'node:util';
import { decodeValue, encodeValue, storedBytes } from '../../lib/common/codec.js';
import { captureValue, copyValue } from '../../lib/common/value.js';

const LIMIT = 1024 * 1024;

/** Any sequence of UTF-16 units, lone surrogates included. */
const junk = fc
  .array(fc.oneof(fc.nat(0xffff), fc.integer({ min: 0xd7f0, max: 0xe010 })), { maxLength: 8 })
  .map((units) => String.fromCharCode(...units));
const text = fc.oneof(junk, fc.string({ unit: 'binary' }), fc.string());
const name = fc
  .oneof(text, fc.constantFrom('constructor', 'toString', 'toJSON', '0', '1', 'length'))
  .filter((each) => each !== '__proto__');
const bytes = fc.uint8Array({ maxLength: 20 });

/** Any value that a cache accepts inside another one. */
const { value } = fc.letrec<{ value: unknown }>((tie) => {
  const items = fc.array(tie('value'), { maxLength: 5 });
  return {
    value: fc.oneof(
      { depthSize: 'medium', withCrossShrink: true },
      text,
      fc.double(),
      fc.integer(),
      fc.constantFrom(-0, NaN, null, undefined, true, false),
      fc.bigInt(),
      fc.date({ noInvalidDate: false }),
      bytes.map((each) => Buffer.from(each)),
      bytes,
      items,
      items.map((each) => new Set(each)),
      fc.array(fc.tuple(tie('value'), tie('value')), { maxLength: 5 }).map((each) => new Map(each)),
      fc.dictionary(name, tie('value'), { maxKeys: 5, noNullPrototype: true }),
      fc
        .tuple(fc.uniqueArray(name, { maxLength: 4 }), fc.array(items, { maxLength: 8 }))
        .map(([names, rows]) =>
          rows.map((row) => Object.fromEntries(names.map((each, i) => [each, row[i]]))),
        ),
    ),
  };
});

const storable = value.filter((each) => each !== undefined);

/** Tells types, signs, prototypes and order apart, where deep equality does not. */
function show(each: unknown): string {
  return inspect(each, { depth: Infinity, maxArrayLength: Infinity, maxStringLength: Infinity });
}

function expectSame(actual: unknown, expected: unknown): void {
  expect(show(actual)).toBe(show(expected));
}

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
