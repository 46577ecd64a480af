import { createHash } from 'node:crypto';
import { types } from 'node:util';
import { InvalidArgumentError } from '../../common/errors.js';
import { isPlain } from '../../value/capture.js';

/** Deeper arguments are considered cyclic. */
const MAX_DEPTH = 100;

/** Half of a SHA-256, in hexadecimal digits. */
const DIGITS = 32;

/**
 * Makes a short text for the arguments of a call: the first 128 bits of the SHA-256 of an encoding. In this encoding, every
 * value has its type and every text its length. Arguments that a method can tell apart have different texts, except for the
 * order of fields and for undefined arguments at the end.
 *
 * @param what the method of the arguments, for messages
 * @throws {HC_ARGUMENT_INVALID} a value without such an encoding: functions, symbols, cycles, class instances without `toJSON`
 * @internal
 */
export function canonicalKey(what: string, args: readonly unknown[]): string {
  let count = args.length;
  while (count > 0 && args[count - 1] === undefined) count--;
  let text = '';
  for (let i = 0; i < count; i++) text += encode(args[i], 0, `argument ${i} of ${what}`);
  // UTF-8 cannot encode half of a surrogate pair; UTF-16 can.
  return createHash('sha256').update(text, 'utf16le').digest('hex').slice(0, DIGITS);
}

function encode(value: unknown, depth: number, what: string): string {
  switch (typeof value) {
    case 'string':
      return textOf(value);
    case 'number':
      return `d${Object.is(value, -0) ? '-0' : value};`;
    case 'boolean':
      return value ? 't' : 'f';
    case 'undefined':
      return 'u';
    case 'bigint':
      return `i${value};`;
    case 'object':
      return value === null ? 'n' : encodeObject(value, depth + 1, what);
    default:
      throw refused(what, `a ${typeof value}`);
  }
}

function encodeObject(value: object, depth: number, what: string): string {
  if (depth > MAX_DEPTH) throw refused(what, `cyclic, or nested deeper than ${MAX_DEPTH} levels`);
  if (Array.isArray(value)) {
    let items = '';
    for (let i = 0; i < value.length; i++) {
      items += i in value ? encode(value[i], depth, what) : 'h';
    }
    return `[${items}]`;
  }
  if (types.isDate(value)) return `D${value.getTime()};`;
  if (types.isUint8Array(value)) {
    const tag = Buffer.isBuffer(value) ? 'b' : 'B';
    return tag + textOf(Buffer.from(value).toString('latin1'));
  }
  if (types.isMap(value)) {
    const pairs = Array.from(
      value,
      ([key, item]) => encode(key, depth, what) + encode(item, depth, what),
    );
    return `M${pairs.join('')}]`;
  }
  if (types.isSet(value)) {
    return `S${Array.from(value, (item) => encode(item, depth, what)).join('')}]`;
  }
  if (isPlain(value)) return encodeFields(value, depth, what);
  const name = value.constructor?.name ?? 'a class without a name';
  if ('toJSON' in value && typeof value.toJSON === 'function') {
    return `J${textOf(name)}${encode(value.toJSON(''), depth, what)}`;
  }
  throw refused(what, `an instance of ${name}`);
}

function encodeFields(value: Record<string, unknown>, depth: number, what: string): string {
  if (Object.getOwnPropertySymbols(value).length > 0) {
    throw refused(what, 'an object with symbols as names of fields');
  }
  let fields = '';
  for (const name of Object.keys(value).toSorted()) {
    fields += textOf(name) + encode(value[name], depth, what);
  }
  return `{${fields}}`;
}

function textOf(text: string): string {
  return `s${text.length}:${text}`;
}

function refused(what: string, problem: string): InvalidArgumentError {
  return new InvalidArgumentError(
    `The ${what} is ${problem}: no key can be made of it.`,
    "Give the decorator a `key`, such as '{0.id}' or a function of the arguments.",
  );
}
