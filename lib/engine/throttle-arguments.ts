import { InvalidArgumentError } from '../common/errors.js';
import { assertKey } from '../common/keys.js';
import type { ThrottleLimits, ThrottleName } from './throttle.js';

/** The longest ttl and block, in ms: a century. */
const MOST_MS = 100 * 365 * 24 * 3_600_000;

/** @throws {HC_KEY_INVALID} @internal */
export function checkedThrottleName(key: unknown, name: unknown): ThrottleName {
  assertKey(key, 'key of the throttle');
  assertKey(name, 'name of the throttle');
  return { key, name };
}

/** @throws {HC_ARGUMENT_INVALID} @internal */
export function checkedThrottleLimits(
  limit: unknown,
  ttl: unknown,
  blockDuration: unknown,
  window: unknown,
): ThrottleLimits {
  if (!Number.isSafeInteger(limit) || Number(limit) < 0) {
    throw new InvalidArgumentError(
      `The limit of the throttle is ${describe(limit)}.`,
      'Give how many hits may pass within the ttl: a whole number from 0.',
    );
  }
  if (window !== 'sliding' && window !== 'fixed') {
    throw new InvalidArgumentError(
      `The window of the throttle is ${describe(window)}.`,
      "Give 'sliding' or 'fixed'.",
    );
  }
  return {
    limit: Number(limit),
    ttl: checkedTime('ttl', ttl),
    blockDuration: checkedTime('blockDuration', blockDuration),
    window,
  };
}

function checkedTime(what: string, ms: unknown): number {
  if (typeof ms === 'number' && ms >= 0 && ms <= MOST_MS) return ms;
  throw new InvalidArgumentError(
    `The ${what} of the throttle is ${describe(ms)}.`,
    `Give milliseconds from 0 up to ${MOST_MS}, or a duration such as '1m'.`,
  );
}

function describe(value: unknown): string {
  if (typeof value === 'number') return String(value);
  return value === undefined ? 'missing' : `of type ${value === null ? 'null' : typeof value}`;
}
