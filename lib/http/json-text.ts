import { types } from 'node:util';
import { UnsupportedValueError } from '../common/errors.js';

/** The time to write a bigint in decimal grows with the square of its length: 3 ms for this many bits. */
const MAX_BIGINT_BITS = 65_536;
/** A bigint up to this size takes JSON no longer than any other field. */
const SHORT_BIGINT_BITS = 256;

/**
 * Writes a cached value as JSON. Values that JSON cannot express change: a Date becomes an ISO string, a Buffer and a
 * Uint8Array base64, a bigint a decimal string, a Map an array of [key, value], a Set an array, and NaN and the infinities
 * null.
 *
 * @throws {HC_VALUE_UNSUPPORTED} when it is nested deeper than a node accepts, or when its bigints take longer to write than
 * one of 65,536 bits
 * @internal
 */
export function jsonText(value: unknown): string {
  try {
    return stringify(value);
  } catch (error) {
    if (error instanceof UnsupportedValueError) throw error;
    throw new UnsupportedValueError('The value cannot be expressed in JSON.');
  }
}

function stringify(value: unknown): string {
  let budget = MAX_BIGINT_BITS ** 2;
  const decimal = (long: bigint): string => {
    if (BigInt.asIntN(SHORT_BIGINT_BITS, long) !== long) {
      budget -= (4 * long.toString(16).length) ** 2;
      if (budget < 0) {
        throw new UnsupportedValueError(
          `Its bigints are too long for JSON: at most ${MAX_BIGINT_BITS} bits. Store them as text or bytes.`,
        );
      }
    }
    return String(long);
  };

  return JSON.stringify(value, function (this: unknown, key: string, field: unknown): unknown {
    // A Buffer has already passed through its own toJSON.
    const original: unknown = Reflect.get(Object(this), key);
    if (types.isUint8Array(original)) {
      const { buffer, byteOffset, byteLength } = original;
      return Buffer.from(buffer, byteOffset, byteLength).toString('base64');
    }
    if (types.isMap(field) || types.isSet(field)) return Array.from<unknown>(field);
    return typeof field === 'bigint' ? decimal(field) : field;
  });
}
