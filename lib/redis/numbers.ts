/** Numbers of the engine begin here, in Unix ms. */
const EPOCH_MS = Date.UTC(2026, 0, 1);

/** An eighth of a microsecond: 2^53 of them last until 2061. */
const PER_MS = 8000;

/** Numbers that scripts make are multiples of it; what is between them belongs to single nodes. @internal */
export const NUMBER_STEP = 128;

/** Digits of a number, of a time and of a version in an entry. @internal */
export const DIGITS = 16;

/** Ends at no time; also the largest number that scripts can tell apart from the next. @internal */
export const NEVER_DIGITS = '9000000000000000';

/** The number that stands for a moment of the server's clock. @internal */
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

/** As {@link toDigits}, of a moment that is below 0 once `expire` has set it: 13 digits of ms and two of its fraction. @internal */
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

/** The largest number that was seen: no later one may be smaller, whatever becomes of the server. @internal */
export class NumberFloor {
  #value = 0;

  get value(): number {
    return this.#value;
  }

  /** Returns the number. */
  see(value: number): number {
    if (value > this.#value) this.#value = value;
    return value;
  }
}
