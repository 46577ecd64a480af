import { InvalidArgumentError } from '../common/errors.js';
import { captureValue } from './capture.js';
import { decodeValue, type StoredValue } from './codec.js';

/**
 * A value as a line of JSON carries it without loss: unchanged where JSON can represent it, otherwise as the bytes of the codec.
 *
 * @internal
 */
export type PortableValue =
  | { readonly value: unknown }
  /** Base64. */
  | { readonly stored: string }
  /** The bytes in the file cannot be decoded. */
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
  // The file carries as bytes what JSON cannot represent.
  return Buffer.isBuffer(stored) ? { stored: stored.toString('base64') } : { value };
}

/**
 * The value that a line carries, in the form that a caller passes to `set`.
 *
 * @throws {HC_ARGUMENT_INVALID} for bytes that cannot be decoded, for both forms together, and for neither
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
