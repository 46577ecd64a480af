import { assertDeclared, POLICY_FIELDS } from '../cache/policy.js';
import type { Duration } from '../common/duration.js';
import { InvalidArgumentError, InvalidTtlError } from '../common/errors.js';
import { unknownNames } from '../node/unknown-names.js';

/** How an entry is stored. @publicApi */
export interface SetOptions {
  /** How long the entry lives, in ms or as a duration; 0 means no expiry. @default the cache's ttl */
  ttl?: Duration | undefined;
  /** How long after its ttl a later `wrap` may serve it while it is refreshed, in ms or as a duration. @default 0 */
  stale?: Duration | undefined;
  /** How long after its ttl a later `wrap` may serve it when the factory fails, in ms or as a duration. @default 0 */
  grace?: Duration | undefined;
  /** Names by which `delByTag` finds the entry; 64 at most. */
  tags?: readonly string[] | undefined;
  /**
   * For `set` only: the lock under which the value was made. The write is refused with `HC_FENCED` when a later token of that
   * lock was granted.
   */
  fence?: { name: string; token: number } | undefined;
}

/** How a counter starts. @publicApi */
export interface IncrementOptions {
  /** How long a new counter lives, in ms or as a duration. An existing one keeps its own ttl. @default the cache's ttl */
  ttl?: Duration | undefined;
  /** The value of a missing or expired counter before the amount is added. @default 0 */
  initial?: number | undefined;
}

const WRAP = [...POLICY_FIELDS, 'policy', 'signal', 'fresh'] as const;

const FIELDS = {
  getEntry: ['stale'],
  set: ['ttl', 'stale', 'grace', 'tags', 'fence'],
  mset: ['key', 'value', 'ttl', 'stale', 'grace', 'tags'],
  add: ['ttl', 'stale', 'grace', 'tags'],
  setIf: ['ttl', 'stale', 'grace', 'tags'],
  wrap: WRAP,
  defineCache: ['name', 'key', 'schema', 'read', 'version', 'policy', ...POLICY_FIELDS],
  increment: ['ttl', 'initial'],
  decrement: ['ttl', 'initial'],
  lock: ['ttl', 'wait', 'renew', 'maxHold', 'owner'],
  restoreLock: ['ttl', 'wait', 'renew', 'maxHold'],
  semaphore: ['ttl', 'wait', 'renew', 'maxHold', 'owner', 'limit'],
  policy: [...POLICY_FIELDS, 'policy'],
  CacheEvict: ['key', 'keys', 'tags', 'prefix', 'all', 'mode', 'before', 'cache', 'when'],
  throttle: ['limit', 'ttl', 'blockDuration', 'name', 'window', 'onUnavailable'],
  WithLock: ['ttl', 'wait', 'renew', 'maxHold', 'owner', 'skipIfHeld'],
} as const satisfies Record<string, readonly string[]>;

/**
 * Returns the options as an object that has only known fields. Any other value counts as a ttl.
 *
 * @throws {HC_ARGUMENT_INVALID} names an unknown field
 * @throws {HC_TTL_INVALID} for a negative ttl
 * @internal
 */
export function checkedOptions<T extends object>(
  method: keyof typeof FIELDS,
  options: Duration | T | undefined,
): T | { ttl: Duration | undefined } {
  if (typeof options !== 'object' || options === null) return { ttl: checkedTtl(options) };
  checkFields(method, options);
  if ('ttl' in options && typeof options.ttl === 'number') checkedTtl(options.ttl);
  return options;
}

/**
 * @param as the name in messages, and the fields that it has in addition to those of the method
 * @throws {HC_ARGUMENT_INVALID} names an unknown field
 * @internal
 */
export function checkFields(
  method: keyof typeof FIELDS,
  options: object,
  { called = method, more = [] }: { called?: string; more?: readonly string[] } = {},
): void {
  const own: readonly string[] = FIELDS[method];
  for (const name in options) {
    if (own.includes(name) || more.includes(name) || !Object.hasOwn(options, name)) continue;
    const known = [...own, ...more];
    const [problem] = unknownNames({ [name]: undefined }, known);
    throw new InvalidArgumentError(
      `${called}() has no option '${name}'.`,
      `${problem?.instead === 'remove it' ? 'Remove it' : `W${problem?.instead.slice(1)}`}: there are ${known.join(', ')}.`,
    );
  }
}

/**
 * Checks the options of a decorator or a module that include those of a policy.
 *
 * @param called the name in messages
 * @param more the additional fields
 * @throws {HC_ARGUMENT_INVALID | HC_TTL_INVALID}
 * @internal
 */
export function checkPolicyOptions(called: string, options: object, more: readonly string[]): void {
  if (typeof options !== 'object' || options === null) {
    throw new InvalidArgumentError(
      `The argument of ${called}() is no object.`,
      "Give it options, such as { ttl: '1m' }.",
    );
  }
  checkFields('policy', options, { called, more });
  assertDeclared(options);
}

/** A negative lifetime is a mistake. CACHE_MANAGER keeps the meaning that cache-manager gives it. @internal */
export function checkedTtl(ttl: Duration | undefined): Duration | undefined {
  if (typeof ttl === 'number' && ttl < 0) throw new InvalidTtlError(ttl);
  return ttl;
}

/**
 * Checks the options of `wrap`. A string is a duration or the name of a policy.
 *
 * @throws {HC_ARGUMENT_INVALID | HC_TTL_INVALID}
 * @internal
 */
export function checkedWrap<T extends object>(
  options: Duration | string | T | undefined,
): Duration | string | T | undefined {
  if (typeof options !== 'object' || options === null) {
    if (typeof options === 'number') checkedTtl(options);
    return options;
  }
  checkFields('wrap', options);
  if ('ttl' in options && typeof options.ttl === 'number') checkedTtl(options.ttl);
  return options;
}
