import { resolve as resolvePath } from 'node:path';
import { largestValueIn } from '../sqlite/bounded-writer.js';
import type { Isolation } from '../value/isolation.js';
import { InvalidOptionsError, type OptionProblem } from '../common/errors.js';
import { CACHE_OPTION_RULES } from './cache-option-rules.js';
import { CLUSTER_OPTION_RULES } from './cluster-option-rules.js';
import { show, type OptionRule } from './option-rule.js';
import type { HyperCacheOptions, HyperCacheRole, ResolvedOptions } from './options.js';
import { unknownNames } from './unknown-names.js';

type Environment = Readonly<Record<string, string | undefined>>;

const MIB = 1024 * 1024;

/** One rule for each public option. */
const RULES: { readonly [name in keyof Required<HyperCacheOptions>]: OptionRule } = {
  ...CLUSTER_OPTION_RULES,
  ...CACHE_OPTION_RULES,
};

/**
 * Validates all options at once, with the environment as the default of those that are not given.
 *
 * @returns a frozen object in which every option is set
 * @throws {HC_OPTIONS_INVALID} with every problem, misspelled names included
 * @internal
 */
export function resolveOptions(
  given: HyperCacheOptions | HyperCacheRole | undefined,
  environment: Environment = process.env,
): ResolvedOptions {
  const problems: OptionProblem[] = [];
  const options = readGiven(given, problems);
  const values: Record<string, unknown> = {};
  for (const [name, rule] of Object.entries<OptionRule>(RULES)) {
    const fromCode = options[name];
    const text = rule.environment === undefined ? undefined : environment[rule.environment];
    const isFromCode = fromCode !== undefined;
    if (!isFromCode && (text === undefined || text === '')) continue;
    const value = isFromCode ? fromCode : (rule.parse?.(String(text)) ?? text);
    if (rule.isValid(value)) values[name] = value;
    else {
      problems.push({
        option: isFromCode ? name : `${rule.environment} (option ${name})`,
        value: (rule.show ?? show)(value),
        instead: rule.instead,
      });
    }
  }
  checkCluster(values, problems);
  if (problems.length > 0) throw new InvalidOptionsError(problems);
  return Object.freeze(withDefaults(values));
}

/** The names of all options; the documentation is held against them. @internal */
export const OPTION_NAMES: readonly string[] = Object.keys(RULES);

/** The environment variables that are read. @internal */
export const ENVIRONMENT_NAMES: readonly string[] = Object.values<OptionRule>(RULES).flatMap(
  ({ environment }) => environment ?? [],
);

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

function checkCluster(values: Record<string, unknown>, problems: OptionProblem[]): void {
  const isReported = (name: string): boolean =>
    problems.some(({ option }) => option.includes(name));
  if (
    values['listen'] !== undefined &&
    values['apiToken'] === undefined &&
    !isReported('apiToken')
  ) {
    problems.push({
      option: 'apiToken',
      value: 'missing',
      instead: `listen needs it: ${RULES.apiToken.instead} (or set ${RULES.apiToken.environment})`,
    });
  }
  const known = tokensOf(values['apiToken']);
  if (tokensOf(values['adminToken']).some((token) => known.includes(token))) {
    problems.push({
      option: 'adminToken',
      value: 'one of apiToken',
      instead: 'write a secret that no apiToken is: every program that uses the API has those',
    });
  }
  if (values['role'] !== 'secondary') return;
  for (const name of ['primaryUrl', 'apiToken'] as const) {
    if (values[name] !== undefined || isReported(name)) continue;
    problems.push({
      option: name,
      value: 'missing',
      instead: `a secondary needs it: ${RULES[name].instead} (or set ${RULES[name].environment})`,
    });
  }
}

function tokensOf(value: unknown): unknown[] {
  return value === undefined ? [] : [value].flat();
}

function withDefaults(values: Partial<ResolvedOptions>): ResolvedOptions {
  const l1 = values.l1 as HyperCacheOptions['l1'];
  const { role = 'primary', maxSize = 1024 * MIB, maxValueSize = 8 * MIB } = values;
  return {
    role,
    primaryUrl: undefined,
    signRequests: false,
    timeout: 2000,
    asyncRequests: true,
    onPrimaryLost: 'serve-stale',
    staleAfter: 60_000,
    outboxMaxEntries: 100_000,
    outboxMaxBytes: 64 * MIB,
    outboxFull: 'reject',
    replica: 'feed',
    acceptNewHistory: false,
    path: '/api/hypercache',
    ttl: 0,
    namespace: 'default',
    isGlobal: true,
    isolation: 'copy' satisfies Isolation,
    durability: 'normal',
    checkpoints: 'worker',
    maxSize,
    maxEntries: Infinity,
    changeLogEntries: 100_000,
    changeLogAge: 24 * 3_600_000,
    sweepInterval: 1000,
    maxLockTtl: 24 * 3_600_000,
    coherenceInterval: 10,
    logger: undefined,
    ...values,
    // A replica holds everything, whatever its own bound.
    maxValueSize:
      role === 'primary' ? Math.min(maxValueSize, largestValueIn(maxSize)) : maxValueSize,
    listen: values.listen === undefined ? undefined : Object.freeze({ ...values.listen }),
    controllerDecorators: Object.freeze([...(values.controllerDecorators ?? [])]),
    sqlitePath: resolvePath(values.sqlitePath ?? './storage/hypercache'),
    apiToken: Object.freeze(tokensOf(values.apiToken) as string[]),
    adminToken: Object.freeze(tokensOf(values.adminToken) as string[]),
    l1:
      l1 === false
        ? false
        : Object.freeze({
            maxEntries: l1?.maxEntries ?? 10_000,
            maxBytes: l1?.maxBytes ?? 64 * MIB,
          }),
  };
}
