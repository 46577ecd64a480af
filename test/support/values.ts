import fc from './fast-check.js';
import { inspect } from 'node:util';

/** Any sequence of UTF-16 units, lone surrogates included. */
const junk = fc
  .array(fc.oneof(fc.nat(0xffff), fc.integer({ min: 0xd7f0, max: 0xe010 })), { maxLength: 8 })
  .map((units) => String.fromCharCode(...units));

/** Texts that look alike and are not the same, and what ends or orders texts elsewhere. */
const TEXTS = [
  '',
  '\0',
  'a\0b\0',
  '\u00e9',
  'e\u0301',
  '\ufb01',
  'fi',
  '\u212b',
  '\u00c5',
  '\u1e9b\u0323',
  '\u0130',
  'ı',
  '\ufeffa',
  '\u200d',
  '\u202e',
  '\ud83d\ude00',
  '\ud83d',
  '\ude00\ud83d',
  '\ufffd',
  '\uffff',
  '\u{10ffff}',
  "'; --",
  '%_*?',
];

/** Any text; well-formed or not. */
export const text: fc.Arbitrary<string> = fc.oneof(
  junk,
  fc.string({ unit: 'binary' }),
  fc.string(),
  fc.constantFrom(...TEXTS),
);

const name = fc
  .oneof(text, fc.constantFrom('constructor', 'toString', 'toJSON', '0', '1', 'length'))
  .filter((each) => each !== '__proto__');

const NUMBERS = [
  0,
  -0,
  1,
  -1,
  2 ** 31 - 1,
  2 ** 31,
  -(2 ** 31),
  2 ** 32,
  2 ** 53 - 1,
  2 ** 53,
  -(2 ** 53) + 1,
  2 ** 63,
  2 ** 64,
  Number.MAX_VALUE,
  Number.MIN_VALUE,
  Number.EPSILON,
  NaN,
  Infinity,
  -Infinity,
];

const BIGINTS = [
  0n,
  2n ** 63n - 1n,
  2n ** 63n,
  -(2n ** 63n),
  -(2n ** 63n) - 1n,
  2n ** 64n,
  2n ** 999n,
];

const number = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(...NUMBERS));
const bytes = fc.uint8Array({ maxLength: 20 });

/** Any value that a cache accepts inside another one. */
export const { value: nested } = fc.letrec<{ value: unknown }>((tie) => {
  const items = fc.array(tie('value'), { maxLength: 5 });
  return {
    value: fc.oneof(
      { depthSize: 'medium', withCrossShrink: true },
      text,
      number,
      fc.constantFrom(null, undefined, true, false),
      fc.oneof(fc.bigInt(), fc.constantFrom(...BIGINTS)),
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

/** One value in another, so many times. */
function deep(inner: unknown, levels: number, wrap: (value: unknown) => unknown): unknown {
  let value = inner;
  for (let level = 0; level < levels; level++) value = wrap(value);
  return value;
}

/** As deep as a value may be, or nearly. */
const deepValue = fc
  .tuple(
    fc.constantFrom<(value: unknown) => unknown>(
      (each) => [each],
      (each) => ({ a: each }),
      (each) => new Map([[each, each === null]]),
      (each) => new Set([each]),
      (each) => [0, { b: each }],
    ),
    fc.constantFrom(1, 100, 400),
    fc.constantFrom(null, '\ud800', -0, 'x'),
  )
  .map(([wrap, levels, inner]) => deep(inner, levels, wrap));

const wideValue = fc
  .tuple(
    fc.constantFrom('object', 'array', 'map', 'set', 'rows', 'text'),
    fc.constantFrom(300, 3000),
  )
  .map(([kind, size]): unknown => {
    const numbers = Array.from({ length: size }, (_, i) => i);
    switch (kind) {
      case 'object':
        return Object.fromEntries(numbers.map((n) => [`field ${n}`, n]));
      case 'map':
        return new Map(numbers.map((n) => [n, String(n)]));
      case 'set':
        return new Set(numbers);
      case 'rows':
        return numbers.map((n) => ({ id: n, name: `row ${n}`, at: new Date(n) }));
      case 'text':
        return '\u00e9\0'.repeat(size);
      default:
        return numbers;
    }
  });

/** Any value that a cache accepts. */
export const storable: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 30, arbitrary: nested.filter((each) => each !== undefined) },
  { weight: 2, arbitrary: deepValue },
  { weight: 1, arbitrary: wideValue },
);

const longKey = fc
  .tuple(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 3 }),
    fc.integer({ min: 1, max: 400 }),
  )
  .map(([unit, times]) => unit.repeat(times));

/** Any key that a cache accepts. */
export const storableKey: fc.Arbitrary<string> = fc
  .oneof({ weight: 8, arbitrary: text }, { weight: 1, arbitrary: longKey })
  .filter((each) => each !== '' && each.isWellFormed() && Buffer.byteLength(each) <= 1024);

/** Tells types, signs, prototypes and order apart, where deep equality does not. */
export function show(each: unknown): string {
  return inspect(each, { depth: Infinity, maxArrayLength: Infinity, maxStringLength: Infinity });
}
