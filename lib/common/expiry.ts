import { milliseconds, type Duration } from './duration.js';
import { InvalidTtlError } from './errors.js';

/** `expiresAt` of an entry that never expires. Stored as SQLite's REAL infinity. @internal */
export const NEVER = Infinity;

/** ECMAScript's last instant (8.64e15 ms); a deadline beyond it is no deadline. */
const LAST_INSTANT = 8.64e15;

/** The one expiry rule. Its SQL twin is `expires_at <= :now`. @internal */
export function isExpired(expiresAt: number, now: number): boolean {
  return expiresAt <= now;
}

/**
 * The deadline that a caller's `ttl` means, as cache-manager 7 defines it.
 *
 * @param ttl milliseconds or a duration's text; `undefined` and `null` mean `defaultTtl`; 0 and Infinity mean no expiry; a negative
 *   one is in the past, so the entry is expired at once
 * @param defaultTtl milliseconds; 0 means no expiry
 * @throws {HC_TTL_INVALID} for NaN and everything that is neither a number nor a duration
 * @internal
 */
export function expiresAtFor(
  ttl: Duration | null | undefined,
  defaultTtl: number,
  clock: { now(): number },
): number {
  const given = ttl ?? defaultTtl;
  const ms = typeof given === 'number' ? given : milliseconds(given);
  // Most entries have no deadline, and a reading of the clock is a third of a relaxed write.
  if (ms === 0) return NEVER;
  if (typeof ms !== 'number' || Number.isNaN(ms)) throw new InvalidTtlError(ms);
  const expiresAt = Math.ceil(clock.now() + ms);
  return expiresAt > LAST_INSTANT ? NEVER : expiresAt;
}
