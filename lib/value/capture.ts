import { types } from 'node:util';
import { UnsupportedValueError, ValueTooLargeError } from '../common/errors.js';

/** Deeper values count as cyclic. */
const MAX_DEPTH = 1000;

const { hasOwnProperty: hasOwn } = Object.prototype;
const { slice } = Array.prototype;

/** Arrays with at least this many objects are encoded as records, which name each field once. */
const RECORD_ROWS = 4;

/**
 * What the cache keeps of a caller's value: a private copy that holds only the types of G12, and what the walk learned for
 * the codec and for L1.
 *
 * @internal
 */
export class CapturedValue {
  value: unknown = undefined;
  /** Estimated size in bytes. */
  bytes = 0;
  /** It contains something that MessagePack has no form for (see the codec). */
  exotic = false;
  /** JSON represents it without loss. */
  isJson = true;
  /** It contains rows of one shape, for which records pay. */
  records = false;
  /** Freezing does not protect all of it: it contains a Date, Map, Set, Buffer or Uint8Array. */
  unfreezable = false;

  constructor(readonly maxBytes: number) {}

  markNonJson(): void {
    this.exotic = true;
    this.isJson = false;
  }
}

/**
 * Copies a caller's value once, on entry, so that later changes by the caller do not reach the cache.
 *
 * Class instances become plain objects, or what their `toJSON` returns; holes in arrays become undefined.
 *
 * @param maxBytes the limit of the encoded size; here it only ends the walk early
 * @throws {HC_VALUE_UNSUPPORTED} for undefined at the top, functions, symbols, cycles, and types that would not come back as
 *   they went in
 * @throws {HC_VALUE_TOO_LARGE} when the walk alone counts several times `maxBytes`
 * @internal
 */
export function captureValue(value: unknown, maxBytes: number): CapturedValue {
  const captured = new CapturedValue(maxBytes);
  if (value === undefined) {
    throw new UnsupportedValueError(
      'The value is undefined.',
      'Delete the key instead, or cache null.',
    );
  }
  captured.value = capture(value, captured, 0);
  if (captured.value === undefined) {
    throw new UnsupportedValueError('The value has a toJSON() that returns undefined.');
  }
  return captured;
}

function capture(value: unknown, into: CapturedValue, depth: number): unknown {
  switch (typeof value) {
    case 'string':
      into.bytes += value.length + 4;
      if (!value.isWellFormed()) into.markNonJson();
      return value;
    case 'number':
      into.bytes += 8;
      if (value === 0 && Object.is(value, -0)) into.markNonJson();
      else if (!Number.isFinite(value)) into.isJson = false;
      return value;
    case 'boolean':
      into.bytes += 4;
      return value;
    case 'undefined':
      into.bytes += 4;
      into.isJson = false;
      return value;
    case 'bigint':
      into.bytes += 16;
      into.isJson = false;
      if (BigInt.asIntN(64, value) !== value) into.bytes += value.toString(16).length;
      return value;
    case 'object':
      if (value !== null) return captureObject(value, into, depth + 1);
      into.bytes += 4;
      return value;
    default:
      throw new UnsupportedValueError(`A ${typeof value} cannot be cached.`);
  }
}

function captureObject(value: object, into: CapturedValue, depth: number): unknown {
  if (depth > MAX_DEPTH) {
    throw new UnsupportedValueError(
      `The value is cyclic, or nested deeper than ${MAX_DEPTH} levels.`,
    );
  }
  into.bytes += 16;
  // It is certainly several times the limit: a graph of shared references can unfold without end.
  if (into.bytes > 4 * into.maxBytes) throw new ValueTooLargeError(into.bytes, into.maxBytes);
  if (Array.isArray(value)) {
    // An item takes at least a byte, but the holes of an array have taken none so far.
    if (value.length > into.maxBytes) throw new ValueTooLargeError(value.length, into.maxBytes);
    const copy: unknown[] = copyOfItems(value);
    for (let i = 0; i < copy.length; i++) copy[i] = capture(copy[i], into, depth);
    if (copy.length >= RECORD_ROWS && isPlain(copy[0])) into.records = true;
    return copy;
  }
  return isPlain(value) ? captureFields(value, into, depth) : captureInstance(value, into, depth);
}

/** Copies a list with no spare capacity, and does not call the methods of a list subclass. */
function copyOfItems(list: readonly unknown[]): unknown[] {
  return Object.getPrototypeOf(list) === Array.prototype
    ? slice.call(list)
    : Array.from({ length: list.length }, (_, i) => list[i]);
}

function captureFields(
  fields: Record<string, unknown>,
  into: CapturedValue,
  depth: number,
): object {
  // Defines each field, whatever its name: an assignment may be refused for a field that all objects inherit.
  const copy: Record<string, unknown> = { ...fields };
  if (Object.getOwnPropertySymbols(copy).length > 0) dropSymbols(copy);
  for (const name in copy) {
    if (!hasOwn.call(copy, name)) continue;
    if (name === '__proto__') {
      throw new UnsupportedValueError("A field named '__proto__' cannot be cached.");
    }
    into.bytes += name.length + 2;
    if (!name.isWellFormed()) into.markNonJson();
    const field = copy[name];
    const captured = capture(field, into, depth);
    if (captured !== field) copy[name] = captured;
  }
  return copy;
}

function dropSymbols(copy: object): void {
  for (const symbol of Object.getOwnPropertySymbols(copy)) Reflect.deleteProperty(copy, symbol);
}

function captureInstance(value: object, into: CapturedValue, depth: number): unknown {
  if (types.isUint8Array(value)) {
    into.unfreezable = true;
    into.isJson = false;
    into.bytes += value.byteLength;
    if (Buffer.isBuffer(value)) return Buffer.from(value);
    into.markNonJson();
    return Uint8Array.from(value);
  }
  if (types.isDate(value)) {
    into.unfreezable = true;
    into.isJson = false;
    return new Date(value.getTime());
  }
  if (types.isMap(value)) {
    into.markNonJson();
    into.unfreezable = true;
    const copy = new Map<unknown, unknown>();
    for (const [k, v] of value) copy.set(capture(k, into, depth), capture(v, into, depth));
    return copy;
  }
  if (types.isSet(value)) {
    into.markNonJson();
    into.unfreezable = true;
    const copy = new Set<unknown>();
    for (const v of value) copy.add(capture(v, into, depth));
    return copy;
  }
  if ('toJSON' in value && typeof value.toJSON === 'function') {
    return capture(value.toJSON(''), into, depth);
  }
  if (wouldBeLost(value)) {
    throw new UnsupportedValueError(
      `An object of type ${value.constructor?.name ?? 'unknown'} cannot be cached.`,
    );
  }
  return captureFields(value as Record<string, unknown>, into, depth);
}

/** Objects whose content is not in their fields: stored as plain objects they would come back empty. */
function wouldBeLost(value: object): boolean {
  return (
    types.isPromise(value) ||
    types.isNativeError(value) ||
    value instanceof Error ||
    types.isRegExp(value) ||
    types.isAnyArrayBuffer(value) ||
    ArrayBuffer.isView(value) ||
    types.isBoxedPrimitive(value) ||
    types.isWeakMap(value) ||
    types.isWeakSet(value) ||
    types.isGeneratorObject(value) ||
    types.isProxy(value)
  );
}

/** @internal */
export function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/**
 * Copies a value that the cache made itself (captured or decoded), without checks and as fast as possible.
 *
 * @internal
 */
export function copyValue<T>(value: T): T;
export function copyValue(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const copy: unknown[] = value.slice();
    for (let i = 0; i < copy.length; i++) {
      const item = copy[i];
      if (typeof item === 'object' && item !== null) copy[i] = copyValue(item);
    }
    return copy;
  }
  if (isPlain(value)) {
    const copy = { ...value };
    for (const name in copy) {
      const item = copy[name];
      // Skips what all objects inherit.
      if (typeof item === 'object' && item !== null && hasOwn.call(copy, name)) {
        copy[name] = copyValue(item);
      }
    }
    return copy;
  }
  return copyInstance(value);
}

function copyInstance(value: object): unknown {
  if (types.isDate(value)) return new Date(value.getTime());
  if (Buffer.isBuffer(value)) return Buffer.from(value);
  if (types.isUint8Array(value)) return Uint8Array.from(value);
  if (types.isMap(value)) {
    const copy = new Map<unknown, unknown>();
    for (const [k, v] of value) copy.set(copyValue(k), copyValue(v));
    return copy;
  }
  // Not owned by the cache: a factory made it, and it could not be stored.
  if (!types.isSet(value)) return value;
  const copy = new Set<unknown>();
  for (const v of value) copy.add(copyValue(v));
  return copy;
}

/**
 * Deep-freezes a value that the cache owns; leaves a part unfrozen when something in it cannot be frozen.
 *
 * @returns false when freezing cannot protect something inside
 * @internal
 */
export function freezeValue(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (!Array.isArray(value) && !isPlain(value)) return false;
  let frozen = true;
  for (const item of Object.values(value)) {
    if (typeof item === 'object' && item !== null && !freezeValue(item)) frozen = false;
  }
  if (frozen) Object.freeze(value);
  return frozen;
}
