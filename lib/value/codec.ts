import { types } from 'node:util';
import { Packr } from 'msgpackr';
import { UnreadableValueError } from '../common/errors.js';
import { captureValue, type CapturedValue } from './capture.js';

/**
 * A value as a row stores it. Well-formed strings and finite numbers are stored unchanged, small values that JSON can
 * represent as JSON after one character, and everything else as bytes.
 *
 * @internal
 */
export type StoredValue = string | number | Buffer;

/** JSON ignores it before a value; strings that begin with it are stored as bytes. */
const JSON_MARK = '\n';
const JSON_MARK_CODE = JSON_MARK.charCodeAt(0);

/**
 * JSON is used up to this many estimated bytes. SQLite returns a string faster than a buffer. For large values the decoding
 * counts, and MessagePack records are faster.
 */
const MAX_JSON_BYTES = 2048;
/** A longer string is unlikely to come from such a value. */
const MAX_JSON_LENGTH = 2 * MAX_JSON_BYTES;

/** JSON.stringify escapes control characters and half surrogates only. */
const ESCAPED_PRINTABLE = /\\u00[2-7]/;

/**
 * A byte that MessagePack never uses: an escaped tree follows it, for the few values whose types MessagePack does not
 * distinguish. Without it the bytes are plain MessagePack.
 */
const ESCAPED = 0xc1;

/** First item of every array of an escaped tree. */
const Escape = {
  Array: 0,
  Map: 1,
  NegativeZero: 2,
  Utf16: 3,
  Set: 4,
  Object: 5,
  Bytes: 6,
} as const;

// A value with its own `toJSON` was captured as the result of that; a `toJSON` that is left is a field like any other.
// Without `structuredClone: false`, bytes of another node could decode to a value that contains itself.
const fields = new Packr({
  useRecords: false,
  useToJSON: false,
  structuredClone: false,
  variableMapSize: true,
  useBigIntExtension: true,
});
const rows = new Packr({
  useRecords: true,
  useToJSON: false,
  structuredClone: false,
  mapsAsObjects: true,
  variableMapSize: true,
  useBigIntExtension: true,
  copyBuffers: true,
});

/**
 * Encodes a captured value so that every node can read it.
 *
 * @internal
 */
export function encodeValue(captured: CapturedValue): StoredValue {
  const { value } = captured;
  if (captured.exotic) {
    const packed = rows.pack(escape(value));
    const bytes = Buffer.allocUnsafe(packed.length + 1);
    bytes[0] = ESCAPED;
    bytes.set(packed, 1);
    return bytes;
  }
  if (typeof value === 'string') return isMarked(value) ? fields.pack(value) : value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (isSmallJson(captured)) return JSON_MARK + JSON.stringify(value);
  return captured.records ? rows.pack(value) : fields.pack(value);
}

/** Whether JSON represents the value without loss, and is the faster form. */
function isSmallJson({ value, isJson, bytes }: CapturedValue): boolean {
  return isJson && typeof value === 'object' && value !== null && bytes <= MAX_JSON_BYTES;
}

/**
 * Returns the value that was encoded, as a copy that the caller owns.
 *
 * @throws {HC_VALUE_UNREADABLE}
 * @internal
 */
export function decodeValue(stored: StoredValue): unknown {
  if (typeof stored === 'number') return stored;
  try {
    if (typeof stored === 'string') return isMarked(stored) ? decodeJson(stored) : stored;
    if (stored[0] !== ESCAPED) return rows.unpack(stored);
    return unescape(rows.unpack(stored.subarray(1)));
  } catch {
    // The cause would show what was already read.
    throw new UnreadableValueError();
  }
}

function isMarked(text: string): boolean {
  return text.charCodeAt(0) === JSON_MARK_CODE;
}

/** A node writes short JSON without a field `__proto__`; everything else is checked like a caller's value. */
function decodeJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  const isOurs = text.length <= MAX_JSON_LENGTH && !mayNameProto(text);
  return isOurs ? value : captureValue(value, Number.MAX_SAFE_INTEGER).value;
}

/** Also matches escaped text, because a node escapes no more than necessary. */
function mayNameProto(text: string): boolean {
  return text.includes('__proto__') || ESCAPED_PRINTABLE.test(text);
}

/** Size of a stored value in bytes, for limits. @internal */
export function storedBytes(stored: StoredValue): number {
  if (typeof stored === 'number') return 8;
  return typeof stored === 'string' ? Buffer.byteLength(stored) : stored.length;
}

function escape(value: unknown): unknown {
  if (typeof value === 'string') {
    return value.isWellFormed() ? value : [Escape.Utf16, Buffer.from(value, 'utf16le')];
  }
  if (Object.is(value, -0)) return [Escape.NegativeZero];
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return [Escape.Array, ...value.map(escape)];
  if (types.isMap(value)) return [Escape.Map, ...Array.from(value).flat(1).map(escape)];
  if (types.isSet(value)) return [Escape.Set, ...Array.from(value, escape)];
  if (types.isDate(value) || Buffer.isBuffer(value)) return value;
  if (types.isUint8Array(value)) return [Escape.Bytes, Buffer.from(value)];
  // Field names may be ill-formed too, so they travel as values.
  return [Escape.Object, ...Object.entries(value).flat(1).map(escape)];
}

function unescape(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  const items = value.slice(1);
  switch (value[0]) {
    case Escape.Array:
      return items.map(unescape);
    case Escape.Map:
      return new Map(pairs(items));
    case Escape.Set:
      return new Set(items.map(unescape));
    case Escape.Object:
      return Object.fromEntries(pairs(items).map(([name, field]) => [String(name), field]));
    case Escape.NegativeZero:
      return -0;
    case Escape.Utf16:
      return Buffer.isBuffer(items[0]) ? items[0].toString('utf16le') : '';
    default:
      return Buffer.isBuffer(items[0]) ? Uint8Array.from(items[0]) : items[0];
  }
}

function pairs(items: unknown[]): [unknown, unknown][] {
  const result: [unknown, unknown][] = [];
  for (let i = 0; i < items.length; i += 2) {
    result.push([unescape(items[i]), unescape(items[i + 1])]);
  }
  return result;
}
