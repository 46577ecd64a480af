import { createHash } from 'node:crypto';
import { InvalidArgumentError } from '../../common/errors.js';
import { MAX_KEY_BYTES } from '../../common/limits.js';
import { canonicalKey } from './canonical-key.js';
import type { DecoratedMethod } from './injected-method.js';
import { Template } from './template.js';

/** A text, or several, made of the arguments of a call. @internal */
export type FromCall<T> = (args: readonly unknown[]) => T;

/** Prefixes of keys that are made of all arguments, and the methods that use them. */
const generated = new Map<string, { readonly method: string; readonly isNamed: boolean }>();

/** Hexadecimal digits that replace the end of a text that is too long for a key. */
const DIGITS = 32;

/**
 * Reads a text that an option gives: one with placeholders, or a function of the arguments.
 *
 * @param where names the option, for messages
 * @throws {HC_ARGUMENT_INVALID}
 * @internal
 */
export function textFrom(where: string, given: unknown): FromCall<string> {
  if (isFunction(given)) return (args) => given(...args) as string;
  if (typeof given !== 'string') {
    throw new InvalidArgumentError(
      `The ${where} is of type ${typeof given}.`,
      "Give a text, such as 'product:{0}', or a function of the method's arguments.",
    );
  }
  const template = new Template(where, given);
  if (template.isConstant) return () => given;
  return (args) => shortened(template.fill(args));
}

/**
 * As {@link textFrom}, for a list.
 *
 * @throws {HC_ARGUMENT_INVALID}
 * @internal
 */
export function listFrom(where: string, given: unknown): FromCall<readonly string[]> {
  if (isFunction(given)) return (args) => given(...args) as readonly string[];
  if (!Array.isArray(given)) {
    throw new InvalidArgumentError(
      `The ${where} are no array.`,
      "Give an array of texts, such as ['product:{0}'], or a function of the method's arguments.",
    );
  }
  const texts = given.map((each) => textFrom(where, each));
  return (args) => texts.map((text) => text(args));
}

/**
 * Makes the key from all arguments, behind a prefix that no other method has.
 *
 * @param name replaces the names of class and method. A class that is loaded again, for example by hot reloading, may use it
 * again.
 * @throws {HC_ARGUMENT_INVALID} another method has the same prefix, or the class has no name
 * @internal
 */
export function generatedKey(
  { className, name: methodName }: DecoratedMethod,
  name: string | undefined,
): FromCall<string> {
  const method = `${className}.${methodName}`;
  const prefix = name ?? method;
  const known = generated.get(prefix);
  const isAgain = known?.method === method && known.isNamed && name !== undefined;
  if (className === '' && name === undefined) {
    throw new InvalidArgumentError(
      `The class of ${methodName}() has no name.`,
      'Give the decorator a `name`, or a `key`.',
    );
  }
  if (known !== undefined && !isAgain) {
    throw new InvalidArgumentError(
      `Two methods would share the keys '${prefix}:...': ${known.method}() and ${method}().`,
      'Give each its own `name`: @Cached({ name }).',
    );
  }
  generated.set(prefix, { method, isNamed: name !== undefined });
  return (args) => shortened(`${prefix}:${canonicalKey(`${method}()`, args)}`);
}

/** A long text of a template keeps its beginning, by which `delByPrefix` finds it. */
function shortened(key: string): string {
  if (key.length <= MAX_KEY_BYTES / 3 || Buffer.byteLength(key) <= MAX_KEY_BYTES) return key;
  const digest = createHash('sha256').update(key).digest('hex').slice(0, DIGITS);
  // A UTF-16 unit takes at most 3 bytes. Half of a surrogate pair may remain at the end.
  return `${key.slice(0, 300).toWellFormed()}%#${digest}`;
}

function isFunction(value: unknown): value is (...args: readonly unknown[]) => unknown {
  return typeof value === 'function';
}
