import { milliseconds } from '../common/duration.js';
import { MAX_OWNER_LENGTH, MAX_SLOTS, MAX_TIMER_MS } from '../common/limits.js';
import { InvalidArgumentError } from '../common/errors.js';

/**
 * @param maxTtlMs the bound, in milliseconds
 * @throws {HC_ARGUMENT_INVALID}
 * @internal
 */
export function checkedLeaseTtl(given: unknown, maxTtlMs: number): number {
  const ttl = milliseconds(given);
  if (typeof ttl === 'number' && ttl > 0 && ttl <= maxTtlMs) return ttl;
  throw new InvalidArgumentError(
    `The ttl of the lock is ${describe(ttl)}.`,
    `Give milliseconds above 0 and up to ${maxTtlMs}, or a duration such as '30s': long enough for the work, short enough to wait for after a crash.`,
  );
}

/** @throws {HC_ARGUMENT_INVALID} @internal */
export function checkedWait(given: unknown): number {
  const wait = milliseconds(given);
  if (typeof wait === 'number' && wait >= 0 && wait <= MAX_TIMER_MS) return wait;
  throw new InvalidArgumentError(
    `The wait is ${describe(wait)}.`,
    `Give milliseconds from 0 (not to wait) up to ${MAX_TIMER_MS}, or a duration such as '5s'.`,
  );
}

/** @throws {HC_ARGUMENT_INVALID} @internal */
export function checkedMaxHold(given: unknown): number {
  const maxHold = milliseconds(given);
  if (typeof maxHold === 'number' && maxHold > 0) return maxHold;
  throw new InvalidArgumentError(
    `The maxHold is ${describe(maxHold)}.`,
    "Give milliseconds above 0, or a duration such as '1h', after which the lock is no longer renewed.",
  );
}

/** @throws {HC_ARGUMENT_INVALID} @internal */
export function checkedOwner(owner: unknown): string {
  if (
    typeof owner === 'string' &&
    owner !== '' &&
    owner.length <= MAX_OWNER_LENGTH &&
    owner.isWellFormed()
  ) {
    return owner;
  }
  throw new InvalidArgumentError(
    'The owner of the lock is not acceptable.',
    `Give a non-empty string of at most ${MAX_OWNER_LENGTH} characters, or leave it out for a random one.`,
  );
}

/** @throws {HC_ARGUMENT_INVALID} @internal */
export function checkedLimit(limit: unknown): number {
  if (Number.isSafeInteger(limit) && Number(limit) >= 1 && Number(limit) <= MAX_SLOTS) {
    return Number(limit);
  }
  throw new InvalidArgumentError(
    `The limit of the semaphore is ${describe(limit)}.`,
    `Give how many may hold it at once: a whole number from 1 to ${MAX_SLOTS}.`,
  );
}

function describe(value: unknown): string {
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return `'${value.slice(0, 40)}'`;
  return value === undefined ? 'missing' : `of type ${value === null ? 'null' : typeof value}`;
}
