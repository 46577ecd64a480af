import { InvalidArgumentError, InvalidKeyError } from './errors.js';
import { MAX_KEY_BYTES, MAX_NAMESPACE_LENGTH } from './limits.js';

/**
 * Accepts only a key that comes back exactly, and refuses what SQLite or HTTP would change on the way.
 *
 * @param what names the value in the error message
 * @throws {HC_KEY_INVALID} not a string, empty, over 1024 bytes of UTF-8, or with a lone surrogate
 * @internal
 */
export function assertKey(key: unknown, what = 'key'): asserts key is string {
  if (typeof key !== 'string') {
    throw new InvalidKeyError(`The ${what} is ${describe(key)}, not a string.`);
  }
  if (key.length === 0) throw new InvalidKeyError(`The ${what} is empty.`);
  // A UTF-16 unit takes at most 3 bytes of UTF-8, so short keys need no byte count.
  if (key.length > MAX_KEY_BYTES / 3 && Buffer.byteLength(key) > MAX_KEY_BYTES) {
    throw new InvalidKeyError(
      `The ${what} takes ${Buffer.byteLength(key)} bytes; the limit is ${MAX_KEY_BYTES}.`,
    );
  }
  if (!key.isWellFormed()) {
    throw new InvalidKeyError(`The ${what} contains a lone surrogate, which UTF-8 cannot express.`);
  }
}

/** Whether the value can be the name of a namespace. @internal */
export function isNamespace(name: unknown): name is string {
  return (
    typeof name === 'string' &&
    name.length > 0 &&
    name.length <= MAX_NAMESPACE_LENGTH &&
    name.isWellFormed()
  );
}

/** @throws {HC_ARGUMENT_INVALID} @internal */
export function assertNamespace(name: unknown): asserts name is string {
  if (isNamespace(name)) return;
  throw new InvalidArgumentError(
    'The namespace is not acceptable.',
    `Give a non-empty string of at most ${MAX_NAMESPACE_LENGTH} characters, or leave it out.`,
  );
}

/**
 * The smallest string that sorts, in UTF-8, after every string with this prefix; `undefined` when
 * there is none.
 *
 * @internal
 */
export function prefixEnd(prefix: string): string | undefined {
  const points = Array.from(prefix);
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    const code = last.codePointAt(0) ?? 0;
    if (code < 0x10ffff) {
      // U+D800 to U+DFFF are not characters: the successor of U+D7FF is U+E000.
      const next = code === 0xd7ff ? 0xe000 : code + 1;
      return points.join('') + String.fromCodePoint(next);
    }
  }
  return undefined;
}

function describe(value: unknown): string {
  if (value === null) return 'null';
  if (value === undefined) return 'undefined';
  return Array.isArray(value) ? 'an array' : `of type ${typeof value}`;
}
