import { UnreadableValueError } from '../common/errors.js';
import type { L2Entry } from '../engine/l2.js';
import { decodeValue, storedBytes, type StoredValue } from '../value/codec.js';
import { DIGITS, fromDigits, fromFreshDigits, toDigits, toFreshDigits } from './numbers.js';

/*
 * An entry as the server holds it. It is text, so that scripts can check and build it:
 *
 *   '1' codec tags? header-length(5) revision(16) generation(16) end(16) fresh-until(16)
 *   then for each tag: bytes(4) tag version(16)
 *   then the value.
 */

const FORMAT = '1';
const MARKER = 'C'.charCodeAt(0);
const RELEASED_MARKER = 'R'.charCodeAt(0);
/** The offset of the digits of the revision. @internal */
export const REVISION_AT = 8;

const FIXED = 8 + 4 * DIGITS;

/** How many bytes are read of an entry whose value is not needed. A longer header takes a second read. @internal */
export const HEAD_BYTES = 256;

const CODEC = { string: 's', number: 'n', bytes: 'b' } as const;

/** A tag and its version at the time of the write. @internal */
export interface TagVersion {
  readonly tag: string;
  readonly version: string;
}

/** The header before the value. @internal */
export interface EntryHead {
  readonly codec: string;
  readonly revision: number;
  readonly generation: string;
  readonly expiresAt: number;
  readonly freshUntil: number;
  readonly tags: readonly TagVersion[];
  readonly length: number;
}

/** The parts from which a script builds an entry. The script adds the numbers and the tags. @internal */
export interface EntryParts {
  /** The text before the length of the header. */
  readonly codec: string;
  readonly value: string | Buffer;
}

/** @internal */
export function partsOf(value: StoredValue): EntryParts {
  if (typeof value === 'string') return { codec: CODEC.string, value };
  if (typeof value === 'number') return { codec: CODEC.number, value: String(value) };
  return { codec: CODEC.bytes, value };
}

/** An entry without tags, as a plain `SET` stores it. @internal */
export function plainEntry(
  value: StoredValue,
  numbers: { revision: number; generation: string; expiresAt: number; freshUntil: number },
): string | Buffer {
  const { codec, value: body } = partsOf(value);
  const { revision, generation, expiresAt, freshUntil } = numbers;
  const head = `${FORMAT}${codec}0${String(FIXED).padStart(5, '0')}${toDigits(revision)}${generation}${toDigits(expiresAt)}${toFreshDigits(freshUntil)}`;
  return typeof body === 'string'
    ? head + body
    : Buffer.concat([Buffer.from(head, 'latin1'), body]);
}

/** Whether the bytes are a marker: the key is missing, and a factory is or was computing it. @internal */
export function isMarker(bytes: Buffer): boolean {
  return bytes[0] === MARKER || bytes[0] === RELEASED_MARKER;
}

/**
 * @returns undefined when the bytes end before the header does
 * @throws {HC_VALUE_UNREADABLE}
 * @internal
 */
export function readHead(bytes: Buffer): EntryHead | undefined {
  if (bytes[0] !== FORMAT.charCodeAt(0) || bytes.length < FIXED) throw new UnreadableValueError();
  const fixed = bytes.toString('latin1', 0, FIXED);
  const length = Number(fixed.slice(3, 8));
  if (!(length >= FIXED)) throw new UnreadableValueError();
  if (bytes.length < length) return undefined;
  const field = (i: number): string => fixed.slice(8 + i * DIGITS, 8 + (i + 1) * DIGITS);
  const revision = Number(field(0));
  const expiresAt = fromDigits(field(2));
  const freshUntil = fromFreshDigits(field(3));
  if (!(revision >= 0 && expiresAt >= 0) || Number.isNaN(freshUntil))
    throw new UnreadableValueError();
  const tags = fixed[2] === '0' ? [] : readTags(bytes, length);
  return {
    codec: fixed[1] ?? '',
    revision,
    generation: field(1),
    expiresAt,
    freshUntil,
    tags,
    length,
  };
}

function readTags(bytes: Buffer, length: number): TagVersion[] {
  const tags: TagVersion[] = [];
  for (let at = FIXED; at < length;) {
    const size = Number(bytes.toString('latin1', at, at + 4));
    const end = at + 4 + size;
    if (!(size > 0) || end + DIGITS > length) throw new UnreadableValueError();
    tags.push({
      tag: bytes.toString('utf8', at + 4, end),
      version: bytes.toString('latin1', end, end + DIGITS),
    });
    at = end + DIGITS;
  }
  return tags;
}

/** @throws {HC_VALUE_UNREADABLE} @internal */
export function readStored(bytes: Buffer, { codec, length }: EntryHead): StoredValue {
  if (codec === CODEC.string) return bytes.toString('utf8', length, bytes.length);
  if (codec === CODEC.bytes) return bytes.subarray(length);
  const number = Number(bytes.toString('latin1', length, bytes.length));
  if (codec !== CODEC.number || !Number.isFinite(number)) throw new UnreadableValueError();
  return number;
}

/** @throws {HC_VALUE_UNREADABLE} @internal */
export function readEntry(bytes: Buffer, head: EntryHead): L2Entry {
  const stored = readStored(bytes, head);
  const { freshUntil, expiresAt } = head;
  return { value: decodeValue(stored), freshUntil, expiresAt, bytes: storedBytes(stored) };
}
