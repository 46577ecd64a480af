import { InvalidArgumentError } from './errors.js';

/**
 * A length of time: milliseconds, or a number with its unit, such as `'500ms'`, `'30s'`, `'5m'`, `'2h'`, `'7d'` or `'1w'`.
 *
 * A string without a unit is refused: half of its readers would take `'5'` for seconds.
 *
 * @publicApi
 */
export type Duration = number | `${number}${DurationUnit}`;

/**
 * A number of bytes: the number itself, or one with its unit, such as `'64MiB'` (1024 * 1024 bytes) or `'64MB'` (1,000,000 bytes).
 *
 * @publicApi
 */
export type Size = number | `${number}${SizeUnit}`;

type DurationUnit = keyof typeof MILLISECONDS;
type SizeUnit = keyof typeof BYTES;

const MILLISECONDS = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

const BYTES = {
  B: 1,
  kB: 1000,
  KiB: 1024,
  MB: 1e6,
  MiB: 1024 ** 2,
  GB: 1e9,
  GiB: 1024 ** 3,
};

/** A program has few duration strings, and passes them again with each call. To parse one costs as much as a hit. */
const MAX_KNOWN = 1000;
const known = new Map<string, number>();

/**
 * Converts a duration string to milliseconds. Returns every other value unchanged, for the caller to check.
 *
 * @internal
 */
export function milliseconds(given: unknown): unknown {
  return typeof given === 'string' ? (known.get(given) ?? read(given) ?? given) : given;
}

function read(text: string): number | undefined {
  const ms = amountIn(text, MILLISECONDS);
  if (ms === undefined) return undefined;
  if (known.size === MAX_KNOWN) known.clear();
  known.set(text, ms);
  return ms;
}

/**
 * Converts a duration to milliseconds, for functions that accept durations as this library does.
 *
 * @param given milliseconds from 0, or a string with its unit such as `'5m'`
 * @param what names the value in the error message
 * @throws {HC_ARGUMENT_INVALID} for every other value, and for an infinite one
 * @publicApi
 */
export function toMilliseconds(given: Duration, what = 'duration'): number {
  const ms = milliseconds(given);
  if (typeof ms === 'number' && ms >= 0 && ms < Infinity) return ms;
  throw new InvalidArgumentError(
    `The ${what} is not acceptable.`,
    "Give milliseconds from 0, or a number with its unit such as '30s' or '5m'.",
  );
}

/** Converts a size string to bytes. Returns every other value unchanged. @internal */
export function bytes(given: unknown): unknown {
  return typeof given === 'string' ? (amountIn(given, BYTES) ?? given) : given;
}

/** Rounds the product to a thousandth, because `0.1 * 3` is not 0.3. */
function amountIn(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const [, amount, unit = ''] = /^(\d{1,15}(?:\.\d{1,6})?)([A-Za-z]{1,3})$/.exec(text) ?? [];
  if (amount === undefined || !Object.hasOwn(units, unit)) return undefined;
  return Math.round(Number(amount) * Number(units[unit]) * 1000) / 1000;
}
