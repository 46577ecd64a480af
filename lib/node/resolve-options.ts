import { largestValueIn } from '../sqlite/bounded-writer.js';
import { InvalidOptionsError, type OptionProblem } from '../common/errors.js';
import { besideEngine } from './engine-rule.js';
import { show, type OptionSpec } from './option-kinds.js';
import { OPTIONS } from './option-table.js';
import type { HyperCacheOptions, HyperCacheRole, ResolvedOptions } from './options.js';
import { unknownNames } from './unknown-names.js';

type Environment = Readonly<Record<string, string | undefined>>;

const SPECS = Object.entries(OPTIONS) as unknown as readonly [string, OptionSpec<unknown>][];

/** The names of all options. @internal */
export const OPTION_NAMES: readonly string[] = Object.keys(OPTIONS);

/** The name of the variable that is named after an option. */
const namedAfter = (option: string): string =>
  `HYPERCACHE_${option.replace(/[A-Z]/g, '_$&').toUpperCase()}`;

const VARIABLES = new Map(
  SPECS.flatMap(([name, spec]) =>
    spec.parse === undefined ? [] : [[name, spec.environment ?? namedAfter(name)]],
  ),
);

/** Variables of engines, which the engines read themselves. */
const OF_ENGINES = ['HYPERCACHE_REDIS_URL'];

/** Variables that Kubernetes sets in each container of a namespace that has a service of this name. */
const OF_A_SERVICE = /_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)$/;

/** The environment variable of an option; undefined for an option that is given in code only. @internal */
export function environmentOf(option: string): string | undefined {
  return VARIABLES.get(option);
}

/**
 * Validates all options together; the environment is the default of those that are not given.
 *
 * @returns a frozen object in which every option is set
 * @throws {HC_OPTIONS_INVALID} with every problem, misspelled names and variables included
 * @internal
 */
export function resolveOptions(
  given: HyperCacheOptions | HyperCacheRole | undefined,
  environment: Environment = process.env,
): ResolvedOptions {
  const problems: OptionProblem[] = [];
  const options = readGiven(given, problems);
  problems.push(...unknownVariables(environment));
  const values: Record<string, unknown> = {};
  const nameOf = (name: string): string =>
    options[name] === undefined ? `${VARIABLES.get(name)} (option ${name})` : name;
  for (const [name, spec] of SPECS) {
    const variable = VARIABLES.get(name);
    const text = variable === undefined ? undefined : environment[variable];
    const isFromCode = options[name] !== undefined;
    if (!isFromCode && (text === undefined || text === '')) continue;
    const value = isFromCode ? options[name] : spec.parse?.(String(text));
    if (spec.isValid(value)) values[name] = value;
    else {
      problems.push({
        option: nameOf(name),
        value: (spec.show ?? show)(isFromCode ? value : text),
        instead: spec.instead,
      });
    }
  }
  checkCluster(values, problems);
  problems.push(...besideEngine(values, SPECS, nameOf));
  if (problems.length > 0) throw new InvalidOptionsError(problems);
  return complete(values);
}

function readGiven(given: unknown, problems: OptionProblem[]): Record<string, unknown> {
  if (given === undefined || given === null) return {};
  if (typeof given === 'string') return { role: given };
  if (typeof given !== 'object' || Array.isArray(given)) {
    problems.push({
      option: 'the argument of forRoot()',
      value: show(given),
      instead: "pass an options object, 'primary', 'secondary', or nothing",
    });
    return {};
  }
  problems.push(...unknownNames(given, OPTION_NAMES));
  return { ...given };
}

function unknownVariables(environment: Environment): OptionProblem[] {
  const set = Object.keys(environment).filter(
    (name) => name.startsWith('HYPERCACHE_') && !OF_A_SERVICE.test(name),
  );
  const given = Object.fromEntries(set.map((name) => [name, '']));
  return unknownNames(given, [...VARIABLES.values(), ...OF_ENGINES]).map((problem) => {
    // Some variables are not named after their option.
    const meant = OPTION_NAMES.find((option) => namedAfter(option) === problem.option);
    const variable = meant === undefined ? undefined : VARIABLES.get(meant);
    return variable === undefined ? problem : { ...problem, instead: `write ${variable}` };
  });
}

function checkCluster(values: Record<string, unknown>, problems: OptionProblem[]): void {
  const isReported = (name: string): boolean =>
    problems.some(({ option }) => option.includes(name));
  const need = (name: 'apiToken' | 'primaryUrl', by: string): void => {
    if (values[name] !== undefined || isReported(name)) return;
    const instead = `${by} needs it: ${OPTIONS[name].instead} (or set ${VARIABLES.get(name)})`;
    problems.push({ option: name, value: 'missing', instead });
  };
  if (values['listen'] !== undefined) need('apiToken', 'listen');
  const known = tokensOf(values['apiToken']);
  if (tokensOf(values['adminToken']).some((token) => known.includes(token))) {
    problems.push({
      option: 'adminToken',
      value: 'one of apiToken',
      instead: 'write a secret that is not an apiToken: every program that uses the API has those',
    });
  }
  if (values['role'] !== 'secondary') return;
  need('primaryUrl', 'a secondary');
  need('apiToken', 'a secondary');
}

function tokensOf(value: unknown): unknown[] {
  return value === undefined ? [] : [value].flat();
}

function complete(values: Readonly<Record<string, unknown>>): ResolvedOptions {
  const resolved = Object.fromEntries(
    SPECS.map(([name, spec]) => {
      const value = values[name] ?? spec.byDefault;
      return [name, value === undefined ? undefined : (spec.resolve?.(value) ?? value)];
    }),
  ) as ResolvedOptions;
  const { role, maxSize, maxValueSize } = resolved;
  // A replica holds everything, whatever its own bound.
  if (role === 'secondary') return Object.freeze(resolved);
  return Object.freeze({
    ...resolved,
    maxValueSize: Math.min(maxValueSize, largestValueIn(maxSize)),
  });
}
