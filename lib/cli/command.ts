import type { Target } from '../admin/target.js';
import { InvalidArgumentError } from '../common/errors.js';
import type { Terminal } from './terminal.js';

/** An error in the command line itself. The process exits with 2. @internal */
export class UsageError extends InvalidArgumentError {
  constructor(what: string, command?: string) {
    const help = command === undefined ? 'help' : `help ${command}`;
    super(`The command line is wrong: ${what}.`, `See npx --no hypercache ${help}.`);
  }
}

/** An option of `util.parseArgs`, with its text for the help. @internal */
export interface OptionOf {
  readonly type: 'string' | 'boolean';
  readonly multiple?: boolean;
  /** The name of its value in the help. */
  readonly value?: string;
  readonly about: string;
}

/** The given values of the options of a command. @internal */
export type Given = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

/** What a command receives to do its work. @internal */
export interface Call {
  readonly name: string;
  /** Arguments without options, in order. */
  readonly rest: readonly string[];
  readonly given: Given;
  readonly isJson: boolean;
  readonly terminal: Terminal;
  /** `--path`, as an absolute path. @throws UsageError without it */
  path(): string;
  /** Opens the target that `--path` or `--url` names. It is closed after the command. */
  target(): Promise<Target>;
}

/** One command of an operator. @internal */
export interface CommandSpec {
  readonly summary: string;
  /** The arguments behind the name, such as `<key> <json>`. */
  readonly arguments?: string;
  /** How many arguments it takes. */
  readonly count?: readonly [least: number, most: number];
  /** `path`: only a directory. `both`: a directory, or a running node. `none`: neither is needed. */
  readonly on: 'path' | 'both' | 'none';
  readonly options?: Readonly<Record<string, OptionOf>>;
  /** Important facts, for the help. */
  readonly notes?: readonly string[];
  readonly examples: readonly string[];
  /** @returns the exit code; nothing for 0 */
  run(call: Call): Promise<number | void>;
}

/** The text of an option; undefined when it is missing. @internal */
export function textOf({ given }: Pick<Call, 'given'>, name: string): string | undefined {
  const value = given[name];
  return typeof value === 'string' ? value : undefined;
}

/** All values of an option that may be repeated. @internal */
export function textsOf({ given }: Pick<Call, 'given'>, name: string): readonly string[] {
  const value = given[name];
  return Array.isArray(value) ? (value as readonly string[]) : [];
}

/** A whole number from an option. @throws UsageError @internal */
export function wholeOf(
  call: Pick<Call, 'given' | 'name'>,
  option: string,
  byDefault: number,
  [least, most]: readonly [number, number],
): number {
  const text = textOf(call, option);
  if (text === undefined) return byDefault;
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw new UsageError(`--${option} is no whole number from ${least} to ${most}`, call.name);
}

/** Prints the result of a command: fields as JSON, or a text for people. @internal */
export function print(call: Call, fields: object, text: string): Promise<void> {
  return call.terminal.out(`${call.isJson ? JSON.stringify(fields) : text}\n`);
}
