import { types } from 'node:util';

/**
 * A cached value as JSON. What JSON cannot express becomes: Date an ISO string, Buffer and Uint8Array base64, bigint
 * a decimal string, Map an array of [key, value], Set an array, NaN and the infinities null.
 *
 * @internal
 */
export function jsonText(value: unknown): string {
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
