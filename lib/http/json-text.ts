import { types } from 'node:util';
import { UnsupportedValueError } from '../common/errors.js';

/**
 * A cached value as JSON. What JSON cannot express becomes: Date an ISO string, Buffer and Uint8Array base64, bigint
 * a decimal string, Map an array of [key, value], Set an array, NaN and the infinities null.
 *
 * @throws {HC_VALUE_UNSUPPORTED} when it is nested deeper than a node would have accepted it
 * @internal
 */
export function jsonText(value: unknown): string {
  try {
    return stringify(value);
  } catch {
    throw new UnsupportedValueError('The value cannot be expressed in JSON.');
  }
}

function stringify(value: unknown): string {
  return JSON.stringify(value, function (this: unknown, key: string, field: unknown): unknown {
    // A Buffer has been through its own toJSON already.
    const original: unknown = Reflect.get(Object(this), key);
    if (types.isUint8Array(original)) {
      const { buffer, byteOffset, byteLength } = original;
      return Buffer.from(buffer, byteOffset, byteLength).toString('base64');
    }
    if (types.isMap(field) || types.isSet(field)) return Array.from<unknown>(field);
    return typeof field === 'bigint' ? String(field) : field;
  });
}
