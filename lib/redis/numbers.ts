/** The start of the engine's numbers, in Unix ms. */
const EPOCH_MS = Date.UTC(2026, 0, 1);

/** Numbers per millisecond: each is an eighth of a microsecond, and 2^53 of them last until 2061. */
const PER_MS = 8000;

/** Scripts make only multiples of this number. The numbers between two multiples belong to single nodes. @internal */
export const NUMBER_STEP = 128;

/** The digits of a number, a time and a version in an entry. @internal */
export const DIGITS = 16;

/** The end of what never ends. It is also the largest number that scripts can tell apart from the next one. @internal */
export const NEVER_DIGITS = '9000000000000000';

/** The number that means a moment of the server's clock. @internal */
export function numberAt(unixMs: number): number {
  const eighths = Math.max(0, Math.round((unixMs - EPOCH_MS) * PER_MS));
  return eighths - (eighths % NUMBER_STEP);
}

/** @internal */
export function toDigits(value: number): string {
  return value === Infinity
    ? NEVER_DIGITS
    : String(Math.max(0, Math.round(value))).padStart(DIGITS, '0');
}

/** @internal */
export function fromDigits(text: string): number {
  return text === NEVER_DIGITS ? Infinity : Number(text);
}

/** As {@link toDigits}, for a moment that `expire` has set below 0: 13 digits of ms and two of its fraction. @internal */
export function toFreshDigits(freshUntil: number): string {
  if (freshUntil >= 0) return toDigits(freshUntil);
  const ms = Math.trunc(-freshUntil);
  const thousandths = Math.round((-freshUntil - ms) * 1000) % 100;
  return `-${String(ms).padStart(13, '0')}${String(thousandths).padStart(2, '0')}`;
}

/** @internal */
export function fromFreshDigits(text: string): number {
  if (!text.startsWith('-')) return fromDigits(text);
  return -(Number(text.slice(1, 14)) + Number(text.slice(14)) / 1000);
}

/** The largest number seen so far. No later number may be smaller, even if the server loses its data. @internal */
export class NumberFloor {
  #value = 0;

  get value(): number {
    return this.#value;
  }

  /** Notes a number, and returns it. */
  see(value: number): number {
    if (value > this.#value) this.#value = value;
    return value;
  }
}
