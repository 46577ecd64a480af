import { bytes, milliseconds, type Duration, type Size } from '../common/duration.js';

/**
 * One option: its valid values, its default, and what the documents say about it.
 *
 * @internal
 */
export interface OptionSpec<Given, Resolved = Given> {
  /** Unit and bounds, for the documents. */
  readonly unit: string;
  /** What to write in place of a wrong value. */
  readonly instead: string;
  readonly isValid: (value: unknown) => boolean;
  readonly byDefault: Given | undefined;
  /** Converts the text of an environment variable to the option's type; undefined for an option that is given in code only. */
  readonly parse?: ((text: string) => unknown) | undefined;
  /** Name of the variable, where it is not named after the option. */
  readonly environment?: string | undefined;
  /** Converts a valid value to the value that the node uses. */
  readonly resolve?: ((given: Given) => Resolved) | undefined;
  /** The value as the error shows it, without a secret or a password. */
  readonly show?: ((value: unknown) => string) | undefined;
}

/** An option that is like no other. @internal */
export function option<Given, Resolved = Given>(
  spec: OptionSpec<Given, Resolved>,
): OptionSpec<Given, Resolved> {
  return spec;
}

/** What an option of any kind may set in addition. */
type Extra = Pick<OptionSpec<never>, 'environment'>;

/** The units of a number: how the documents and the errors name them, and how they become a number. */
const UNITS = {
  ms: {
    unit: 'ms or a duration',
    name: 'milliseconds as ',
    read: milliseconds,
    or: ", or a duration such as '2s'",
  },
  bytes: {
    unit: 'bytes or a size',
    name: 'bytes as ',
    read: bytes,
    or: ", or a size such as '64MiB'",
  },
  '': { unit: '', name: '', read: (given: unknown) => given, or: '' },
};

interface Written {
  ms: Duration;
  bytes: Size;
  '': number;
}

/** A whole number from `from` to `to`. @internal */
export function whole<Unit extends keyof typeof UNITS>(
  unit: Unit,
  byDefault: number,
  { from = 1, to = Number.MAX_SAFE_INTEGER, ...extra }: Extra & { from?: number; to?: number } = {},
): OptionSpec<Written[Unit], number> {
  const { name, read, or, ...written } = UNITS[unit];
  const [least, most] = [from, to].map((bound) => bound.toLocaleString('en-US'));
  const isBounded = to < Number.MAX_SAFE_INTEGER;
  let bounds = `${least} to ${most}`;
  if (!isBounded) bounds = from === 1 ? 'above 0' : `from ${least}`;
  const words = isBounded
    ? `from ${from} to ${to}`
    : from === 1
      ? 'above 0'
      : `of at least ${from}`;
  return {
    unit: [written.unit, 'whole', bounds].filter((part) => part !== '').join(', '),
    instead: `write ${name}a whole number ${words}${or}`,
    isValid: (given) => {
      const value = read(given);
      return isPositive(value) && Number(value) >= from && Number(value) <= to;
    },
    parse: parseNumber,
    byDefault,
    resolve: (given) => Number(read(given)),
    ...extra,
  };
}

/** One of several words. @internal */
export function oneOf<Word extends string>(
  words: readonly Word[],
  byDefault: NoInfer<Word>,
  extra: Extra = {},
): OptionSpec<Word> {
  const quoted = words.map((word) => `'${word}'`);
  return {
    unit: quoted.map((word) => `\`${word}\``).join(', '),
    instead: `write ${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1)}`,
    isValid: (value) => (words as readonly unknown[]).includes(value),
    parse: (text) => text,
    byDefault,
    ...extra,
  };
}

/** @internal */
export function flag(byDefault: boolean, extra: Extra = {}): OptionSpec<boolean> {
  return {
    unit: 'boolean; `true`, `1`, `false` or `0` in the environment',
    instead: 'write true or false',
    isValid: (value) => typeof value === 'boolean',
    parse: parseBoolean,
    byDefault,
    ...extra,
  };
}

/** Whole, above 0, and exact. @internal */
export const isPositive = (value: unknown): boolean =>
  Number.isSafeInteger(value) && Number(value) > 0;
/** @internal */
export const isText = (value: unknown): boolean => typeof value === 'string' && value.length > 0;

/** An empty text is not 0; a text that is not a number is left for the option to refuse. @internal */
export function parseNumber(text: string): unknown {
  const number = Number(text);
  return text.trim() === '' || Number.isNaN(number) ? text : number;
}

/** As {@link parseNumber}. @internal */
export const parseBoolean = (text: string): unknown =>
  ({ true: true, '1': true, false: false, '0': false })[text.trim().toLowerCase()] ?? text;

/** The value as an error shows it. @internal */
export function show(value: unknown): string {
  if (typeof value === 'string') return `'${value.slice(0, 80)}'`;
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'object' || value === null) return String(value);
  return Array.isArray(value) ? 'an array' : 'an object';
}
