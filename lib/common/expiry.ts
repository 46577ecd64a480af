import { milliseconds, type Duration } from './duration.js';
import { InvalidArgumentError, InvalidTtlError } from './errors.js';

/** `expiresAt` of an entry that never expires. Stored as SQLite's REAL infinity. @internal */
export const NEVER = Infinity;

/** ECMAScript's last instant (8.64e15 ms); a later deadline means no deadline. */
const LAST_INSTANT = 8.64e15;

/**
 * How long an entry lives, in Unix ms; Infinity means that it has no end. Without a window both fields are equal.
 *
 * @internal
 */
export interface Lifetime {
  /**
   * From then on the entry is stale, and only reads that ask for stale values find it. The value is below 0 after `expire`:
   * the moment is then {@link staleSince}, and even a node whose clock is late does not take the entry for fresh.
   */
  readonly freshUntil: number;
  /** From then on the entry is gone. */
  readonly expiresAt: number;
}

const ENDLESS: Lifetime = { freshUntil: NEVER, expiresAt: NEVER };

/** In ms. */
const MICROSECOND = 0.001;

/** The one expiry rule. Its SQL twin is `expires_at <= :now`. @internal */
export function isExpired(expiresAt: number, now: number): boolean {
  return expiresAt <= now;
}

/**
 * The deadline that a caller's `ttl` means, as cache-manager 7 defines it.
 *
 * @param ttl milliseconds or a duration string; `undefined` and `null` mean `defaultTtl`; 0 and Infinity mean no expiry; a
 *   negative ttl is in the past, so the entry is expired at once
 * @param defaultTtl milliseconds; 0 means no expiry
 * @throws {HC_TTL_INVALID} for NaN and every value that is neither a number nor a duration
 * @internal
 */
export function expiresAtFor(
  ttl: Duration | null | undefined,
  defaultTtl: number,
  clock: { now(): number },
): number {
  const given = ttl ?? defaultTtl;
  const ms = typeof given === 'number' ? given : milliseconds(given);
  // Most entries have no deadline, and reading the clock takes a third of the time of a relaxed write.
  if (ms === 0) return NEVER;
  if (typeof ms !== 'number' || Number.isNaN(ms)) throw new InvalidTtlError(ms);
  const expiresAt = Math.ceil(clock.now() + ms);
  return expiresAt > LAST_INSTANT ? NEVER : expiresAt;
}

/**
 * As {@link expiresAtFor}, and how long the entry is kept after that.
 *
 * @param windowMs the longer of `stale` and `grace`, in milliseconds
 * @throws {HC_TTL_INVALID}
 * @throws {HC_ARGUMENT_INVALID} for a window after an entry that never ends
 * @internal
 */
export function lifetimeFor(
  ttl: Duration | null | undefined,
  defaultTtl: number,
  windowMs: number,
  clock: { now(): number },
): Lifetime {
  const freshUntil = expiresAtFor(ttl, defaultTtl, clock);
  if (windowMs === 0) {
    return freshUntil === NEVER ? ENDLESS : { freshUntil, expiresAt: freshUntil };
  }
  if (freshUntil !== NEVER) return { freshUntil, expiresAt: endAfter(freshUntil, windowMs) };
  throw new InvalidArgumentError(
    'An entry that never expires has no time after its end.',
    'Give a ttl above 0 together with `stale` or `grace`, or leave both out.',
  );
}

/** When an entry became stale, or will become stale, in Unix ms. @internal */
export function staleSince({ freshUntil }: Pick<Lifetime, 'freshUntil'>): number {
  return Math.trunc(Math.abs(freshUntil));
}

/**
 * The `freshUntil` of an entry after `expire`. Each call changes it, so that a node that postponed its refresh sees another
 * entry.
 *
 * @internal
 */
export function staleNow(freshUntil: number, now: number): number {
  if (freshUntil > now) return -now;
  return freshUntil > 0 ? -freshUntil : freshUntil - MICROSECOND;
}

/** When the window that begins at a moment ends. @internal */
export function endAfter(freshUntil: number, windowMs: number): number {
  const expiresAt = Math.ceil(freshUntil + windowMs);
  return expiresAt > LAST_INSTANT ? NEVER : expiresAt;
}
