import { resolve as resolvePath } from 'node:path';
import type { Isolation } from '../cache/isolation.js';
import { InvalidOptionsError, type OptionProblem } from '../common/errors.js';
import type { HyperCacheOptions, HyperCacheRole, ResolvedOptions } from './options.js';

type Environment = Readonly<Record<string, string | undefined>>;

interface Rule {
  readonly environment?: string;
  /** Turns an environment variable's text into the option's type. */
  readonly parse?: (text: string) => unknown;
  readonly isValid: (value: unknown) => boolean;
  readonly instead: string;
  /** The value as the error shows it: neither a secret nor a password in it. */
  readonly show?: (value: unknown) => string;
}

const MIN_TOKEN_LENGTH = 32;
const MIB = 1024 * 1024;

const isPositive = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) > 0;
const isBoolean = (value: unknown): boolean => typeof value === 'boolean';
const isText = (value: unknown): boolean => typeof value === 'string' && value.length > 0;
const isOneOf =
  (...allowed: readonly unknown[]) =>
  (value: unknown): boolean =>
    allowed.includes(value);

const parseNumber = (text: string): unknown => (text.trim() === '' ? text : Number(text));
const parseBoolean = (text: string): unknown =>
  ({ true: true, '1': true, false: false, '0': false })[text.trim().toLowerCase()] ?? text;
const parseList = (text: string): unknown => text.split(',').map((item) => item.trim());

/** One rule for each public option. */
const RULES: { readonly [name in keyof Required<HyperCacheOptions>]: Rule } = {
  role: {
    environment: 'HYPERCACHE_SERVER_ROLE',
    isValid: isOneOf('primary', 'secondary'),
    instead: "write 'primary' or 'secondary'",
  },
  primaryUrl: {
    environment: 'HYPERCACHE_PRIMARY_URL',
    isValid: isHttpUrl,
    instead:
      "write the primary's address, such as 'http://10.0.0.1:3000'; a % in a password is written %25",
    show: (value) => show(typeof value === 'string' ? value.replace(/.*@/s, '...@') : value),
  },
  apiToken: {
    environment: 'HYPERCACHE_API_TOKEN',
    parse: parseList,
    isValid: areTokens,
    instead: `write one random secret of at least ${MIN_TOKEN_LENGTH} visible ASCII characters, such as \`openssl rand -hex 32\` prints, or a list of them to rotate`,
    show: () => 'not acceptable',
  },
  signRequests: {
    environment: 'HYPERCACHE_SIGN_REQUESTS',
    parse: parseBoolean,
    isValid: isBoolean,
    instead: 'write true or false',
  },
  timeout: {
    environment: 'HYPERCACHE_TIMEOUT',
    parse: parseNumber,
    isValid: isPositive,
    instead: 'write milliseconds as a whole number above 0',
  },
  asyncRequests: {
    environment: 'HYPERCACHE_ASYNC',
    parse: parseBoolean,
    isValid: isBoolean,
    instead: 'write true or false',
  },
  onPrimaryLost: {
    isValid: isOneOf('serve-stale', 'miss'),
    instead: "write 'serve-stale' or 'miss'",
  },
  staleAfter: {
    isValid: (value) => isPositive(value) && Number(value) <= 2_147_483_647,
    instead: 'write milliseconds as a whole number from 1 to 2147483647',
  },
  outboxMaxEntries: { isValid: isPositive, instead: 'write a whole number above 0' },
  outboxMaxBytes: { isValid: isPositive, instead: 'write bytes as a whole number above 0' },
  outboxFull: {
    isValid: isOneOf('reject', 'block'),
    instead: "write 'reject' or 'block'",
  },
  replica: {
    isValid: isOneOf('feed', 'shared', 'none'),
    instead: "write 'feed', 'shared' or 'none'",
  },
  acceptNewHistory: { isValid: isBoolean, instead: 'write true or false' },
  path: {
    isValid: isPath,
    instead:
      "write a path such as '/api/hypercache': letters, digits, '-', '.', '_' and '~' after each '/'",
  },
  listen: {
    isValid: isListen,
    instead:
      "write { host, port }, such as { host: '10.0.0.1', port: 3100 }; port 0 takes a free one",
  },
  controllerDecorators: {
    isValid: (value) =>
      Array.isArray(value) && value.every((decorator) => typeof decorator === 'function'),
    instead: 'pass a list of class decorators, such as [Public()]',
  },
  sqlitePath: {
    environment: 'HYPERCACHE_SQLITE_PATH',
    isValid: isText,
    instead: 'write the path of a directory',
  },
  ttl: { isValid: isTtl, instead: 'write milliseconds as a number from 0; 0 means no expiry' },
  namespace: {
    isValid: isNamespace,
    instead: 'write a non-empty string of at most 256 characters',
  },
  isGlobal: { isValid: isBoolean, instead: 'write true or false' },
  l1: {
    isValid: isL1,
    instead: 'write false, or { maxEntries, maxBytes } with whole numbers above 0',
  },
  isolation: {
    isValid: isOneOf('copy', 'freeze', 'share'),
    instead: "write 'copy', 'freeze' or 'share'",
  },
  durability: {
    isValid: isOneOf('relaxed', 'normal', 'full'),
    instead: "write 'relaxed', 'normal' or 'full'",
  },
  checkpoints: { isValid: isOneOf('worker', 'inline'), instead: "write 'worker' or 'inline'" },
  maxSize: {
    isValid: (value) => isPositive(value) && Number(value) >= 4 * MIB,
    instead: 'write bytes as a whole number of at least 4194304 (4 MiB)',
  },
  maxEntries: {
    isValid: (value) => value === Infinity || isPositive(value),
    instead: 'write a whole number above 0, or Infinity',
  },
  maxValueSize: {
    isValid: (value) => isPositive(value) && Number(value) <= 256 * MIB,
    instead: 'write bytes as a whole number from 1 to 268435456 (256 MiB)',
  },
  changeLogEntries: { isValid: isPositive, instead: 'write a whole number above 0' },
  changeLogAge: { isValid: isPositive, instead: 'write milliseconds as a whole number above 0' },
  sweepInterval: {
    isValid: (value) => isPositive(value) && Number(value) <= 3_600_000,
    instead: 'write milliseconds as a whole number from 1 to 3600000',
  },
  maxLockTtl: { isValid: isPositive, instead: 'write milliseconds as a whole number above 0' },
  coherenceInterval: {
    isValid: (value) => isPositive(value) && Number(value) <= 1000,
    instead: 'write milliseconds as a whole number from 1 to 1000',
  },
  logger: {
    isValid: isLogger,
    instead: 'pass an object with log(), warn() and error(), or false for silence',
  },
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
  for (const [name, rule] of Object.entries<Rule>(RULES)) {
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
export const ENVIRONMENT_NAMES: readonly string[] = Object.values<Rule>(RULES).flatMap(
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
  const options: Record<string, unknown> = { ...given };
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(RULES, name)) continue;
    const near = nearest(name);
    problems.push({
      option: name,
      value: 'not an option',
      instead: near === undefined ? 'remove it' : `write ${near}`,
    });
  }
  return options;
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

function withDefaults(values: Partial<ResolvedOptions>): ResolvedOptions {
  const l1 = values.l1 as HyperCacheOptions['l1'];
  const token: unknown = values.apiToken;
  return {
    role: 'primary',
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
    maxSize: 1024 * MIB,
    maxEntries: Infinity,
    maxValueSize: 8 * MIB,
    changeLogEntries: 100_000,
    changeLogAge: 24 * 3_600_000,
    sweepInterval: 1000,
    maxLockTtl: 24 * 3_600_000,
    coherenceInterval: 10,
    logger: undefined,
    ...values,
    listen: values.listen === undefined ? undefined : Object.freeze({ ...values.listen }),
    controllerDecorators: Object.freeze([...(values.controllerDecorators ?? [])]),
    sqlitePath: resolvePath(values.sqlitePath ?? './storage/hypercache'),
    apiToken: token === undefined ? [] : Object.freeze([token].flat() as string[]),
    l1:
      l1 === false
        ? false
        : Object.freeze({
            maxEntries: l1?.maxEntries ?? 10_000,
            maxBytes: l1?.maxBytes ?? 64 * MIB,
          }),
  };
}

function isHttpUrl(value: unknown): boolean {
  if (typeof value !== 'string' || !URL.canParse(value)) return false;
  const { protocol, username, password } = new URL(value);
  return ['http:', 'https:'].includes(protocol) && isDecodable(username) && isDecodable(password);
}

/** A percent sign that stands for itself is written %25. */
function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

function areTokens(value: unknown): boolean {
  const tokens: unknown[] = Array.isArray(value) ? value : [value];
  return (
    tokens.length > 0 &&
    tokens.every(
      (token) =>
        typeof token === 'string' &&
        token.length >= MIN_TOKEN_LENGTH &&
        /^[\x21-\x7e][\x20-\x7e]*[\x21-\x7e]$/.test(token) &&
        !looksLikeDefault(token),
    )
  );
}

/** What stands in examples, or is a short text repeated, is known to everybody. */
function looksLikeDefault(token: string): boolean {
  if (/change[-_.]?(me|this)|replace[-_.]?(me|this)|placeholder/i.test(token)) return true;
  if (/(your|default|my)[-_.]?(own[-_.]?)?(api[-_.]?)?(token|secret)/i.test(token)) return true;
  for (let period = 1; period <= token.length / 2; period++) {
    if (token.startsWith(token.slice(period))) return true;
  }
  return false;
}

function isPath(value: unknown): boolean {
  if (typeof value !== 'string' || value.length > 256) return false;
  const segments = value.split('/');
  return (
    segments.shift() === '' &&
    segments.length > 0 &&
    segments.every((segment) => /^[\w.~-]+$/.test(segment) && !/^\.{1,2}$/.test(segment))
  );
}

function isListen(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { host, port, ...rest } = value as Record<string, unknown>;
  return (
    isText(host) &&
    Number.isInteger(port) &&
    Number(port) >= 0 &&
    Number(port) <= 65_535 &&
    Object.keys(rest).length === 0
  );
}

function isTtl(value: unknown): boolean {
  return typeof value === 'number' && value >= 0;
}

function isNamespace(value: unknown): boolean {
  return isText(value) && String(value).length <= 256 && String(value).isWellFormed();
}

function isL1(value: unknown): boolean {
  if (value === false) return true;
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).every(
    ([name, bound]) =>
      ['maxEntries', 'maxBytes'].includes(name) && (bound === undefined || isPositive(bound)),
  );
}

function isLogger(value: unknown): boolean {
  if (value === false) return true;
  if (typeof value !== 'object' || value === null) return false;
  return ['log', 'warn', 'error'].every(
    (method) => typeof Reflect.get(value, method) === 'function',
  );
}

function show(value: unknown): string {
  if (typeof value === 'string') return `'${value.slice(0, 80)}'`;
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'object' || value === null) return String(value);
  return Array.isArray(value) ? 'an array' : 'an object';
}

/** The option's name that was probably meant: equal but for case, or at most two edits away. */
function nearest(name: string): string | undefined {
  let best: string | undefined;
  let bestDistance = 3;
  for (const known of OPTION_NAMES) {
    const distance = editDistance(name.toLowerCase(), known.toLowerCase());
    if (distance < bestDistance) {
      best = known;
      bestDistance = distance;
    }
  }
  return best;
}

/** Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
