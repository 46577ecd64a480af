/**
 * What an option may be, and where it comes from when the code does not say.
 *
 * @internal
 */
export interface OptionRule {
  readonly environment?: string;
  /** Turns an environment variable's text into the option's type. */
  readonly parse?: (text: string) => unknown;
  readonly isValid: (value: unknown) => boolean;
  readonly instead: string;
  /** The value as the error shows it: neither a secret nor a password in it. */
  readonly show?: (value: unknown) => string;
}

/** Whole, above 0, and exact. @internal */
export const isPositive = (value: unknown): boolean =>
  Number.isSafeInteger(value) && Number(value) > 0;
/** @internal */
export const isBoolean = (value: unknown): boolean => typeof value === 'boolean';
/** @internal */
export const isText = (value: unknown): boolean => typeof value === 'string' && value.length > 0;
/** @internal */
export const isOneOf =
  (...allowed: readonly unknown[]) =>
  (value: unknown): boolean =>
    allowed.includes(value);

/** An empty text is no 0; what is no number is left for the rule to refuse. @internal */
export const parseNumber = (text: string): unknown => (text.trim() === '' ? text : Number(text));
/** As {@link parseNumber}. @internal */
export const parseBoolean = (text: string): unknown =>
  ({ true: true, '1': true, false: false, '0': false })[text.trim().toLowerCase()] ?? text;
/** @internal */
export const parseList = (text: string): unknown => text.split(',').map((item) => item.trim());

/** As an error shows it. @internal */
export function show(value: unknown): string {
  if (typeof value === 'string') return `'${value.slice(0, 80)}'`;
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'object' || value === null) return String(value);
  return Array.isArray(value) ? 'an array' : 'an object';
}
