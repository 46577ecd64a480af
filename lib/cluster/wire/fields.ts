import { storedBytes, type StoredValue } from '../../value/codec.js';
import { InvalidArgumentError, ValueTooLargeError } from '../../common/errors.js';
import type { Lifetime } from '../../common/expiry.js';
import { assertKey } from '../../common/keys.js';
import { MAX_NAMESPACE_LENGTH, MAX_TAGS } from '../../common/limits.js';
import { unpack } from './wire.js';

/** @internal */
export function malformed(what: string): InvalidArgumentError {
  return new InvalidArgumentError(
    `The request of the other node is malformed: ${what}.`,
    'Run the same version of nestjs-hypercache on all nodes.',
  );
}

/** Unpacks a message, which must be an array. @throws {HC_ARGUMENT_INVALID} @internal */
export function unpackArray(bytes: Buffer): readonly unknown[] {
  let message: unknown;
  try {
    message = unpack(bytes);
  } catch {
    throw malformed('it cannot be read');
  }
  if (!Array.isArray(message)) throw malformed('it is not a list');
  return message;
}

/** A lifetime as it travels: one number when there is no window. @internal */
export type WireLifetime = number | readonly [freshUntil: number, expiresAt: number];

/** @internal */
export function lifetimeToWire(
  expiresAt: number,
  freshUntil: number | undefined = expiresAt,
): WireLifetime {
  return freshUntil === expiresAt ? expiresAt : [freshUntil, expiresAt];
}

/** Reads fields from outside one after the other, and trusts none of them. @internal */
export class Fields {
  #next = 0;

  constructor(private readonly fields: readonly unknown[]) {}

  get isAtEnd(): boolean {
    return this.#next >= this.fields.length;
  }

  any(): unknown {
    return this.fields[this.#next++];
  }

  list(): readonly unknown[] {
    const list = this.any();
    if (!Array.isArray(list)) throw malformed('a list is missing');
    return list;
  }

  string(): string {
    const text = this.any();
    if (typeof text !== 'string' || !text.isWellFormed()) throw malformed('a text is missing');
    return text;
  }

  /** Accepts Infinity, but not NaN. */
  number(): number {
    const value = this.any();
    if (typeof value !== 'number' || Number.isNaN(value)) throw malformed('a number is missing');
    return value;
  }

  /** Reads what {@link lifetimeToWire} returned. */
  lifetime(): Lifetime {
    const given = this.any();
    const ends = Array.isArray(given) && given.length === 2 ? given : [given, given];
    const both = new Fields(ends);
    const freshUntil = both.number();
    const expiresAt = both.number();
    if (freshUntil > expiresAt) throw malformed('a lifetime that stays fresh after its end');
    return { freshUntil, expiresAt };
  }

  integer(): number {
    const value = this.any();
    if (!Number.isSafeInteger(value)) throw malformed('a whole number is missing');
    return Number(value);
  }

  boolean(): boolean {
    const value = this.any();
    if (typeof value !== 'boolean') throw malformed('a boolean is missing');
    return value;
  }

  namespace(): string {
    const name = this.string();
    if (name === '' || name.length > MAX_NAMESPACE_LENGTH) throw malformed('a namespace');
    return name;
  }

  key(what = 'key'): string {
    const key = this.any();
    assertKey(key, what);
    return key;
  }

  /** As {@link key}, but also accepts ''. */
  prefix(): string {
    const prefix = this.any();
    if (prefix === '') return '';
    assertKey(prefix, 'prefix');
    return prefix;
  }

  value(maxBytes: number): StoredValue {
    const value = this.any();
    const isStored =
      typeof value === 'string'
        ? value.isWellFormed()
        : Number.isFinite(value) || Buffer.isBuffer(value);
    if (!isStored) throw malformed('a value');
    const stored = value as StoredValue;
    const bytes = storedBytes(stored);
    if (bytes > maxBytes) throw new ValueTooLargeError(bytes, maxBytes);
    return stored;
  }

  tags(): readonly string[] {
    const tags = this.list();
    if (tags.length > MAX_TAGS) throw malformed(`${tags.length} tags`);
    return tags.map((tag) => {
      assertKey(tag, 'tag');
      return tag;
    });
  }
}
