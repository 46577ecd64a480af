import { InvalidArgumentError } from '../common/errors.js';
import { captureValue } from './capture.js';
import { decodeValue, type StoredValue } from './codec.js';

/**
 * A value as a line of JSON carries it without loss: as itself where JSON can hold it, else as the bytes of the codec.
 *
 * @internal
 */
export type PortableValue =
  | { readonly value: unknown }
  /** Base64. */
  | { readonly stored: string }
  /** The bytes in the file make no sense. */
  | { readonly unreadable: true };

/** @internal */
export function toPortable(stored: StoredValue): PortableValue {
  let value: unknown;
  try {
    value = decodeValue(stored);
  } catch {
    return { unreadable: true };
  }
  if (captureValue(value, Number.MAX_SAFE_INTEGER).isJson) return { value };
  // What JSON cannot hold stands in the file as bytes.
  return Buffer.isBuffer(stored) ? { stored: stored.toString('base64') } : { value };
}

/**
 * The value that a line carries, as a caller would give it to `set`.
 *
 * @throws {HC_ARGUMENT_INVALID} for bytes that make no sense, for both forms at once, and for none
 * @internal
 */
export function fromPortable(fields: {
  readonly value?: unknown;
  readonly stored?: unknown;
}): unknown {
  const { value, stored } = fields;
  if (value !== undefined && stored === undefined) return value;
  try {
    if (typeof stored !== 'string' || stored === '' || value !== undefined) throw wrong();
    return decodeValue(Buffer.from(stored, 'base64'));
  } catch {
    throw wrong();
  }
}

function wrong(): InvalidArgumentError {
  return new InvalidArgumentError(
    'An entry has no value that can be read.',
    'Give `value` as JSON, or `stored` as it was exported, and not both.',
  );
}
