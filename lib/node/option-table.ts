import { resolve as resolvePath } from 'node:path';
import type { PolicyOptions, WrapPolicy } from '../cache/policy.js';
import type { NamedPolicies } from '../cache/presets.js';
import { bytes, milliseconds, type Duration } from '../common/duration.js';
import { isNamespace } from '../common/keys.js';
import { MAX_TIMER_MS } from '../common/limits.js';
import type { HyperCacheLogger } from '../common/logger.js';
import type { EngineOption } from '../engine/engine-option.js';
import {
  areTokens,
  isEngine,
  isFileMode,
  isHttpUrl,
  isL1,
  isListen,
  isLogger,
  isPath,
  MIN_TOKEN_LENGTH,
  policiesProblem,
  policyProblem,
  type L1Options,
  type ListenOptions,
} from './option-checks.js';
import {
  flag,
  isText,
  oneOf,
  option,
  parseBoolean,
  parseNumber,
  show,
  whole,
  type OptionSpec,
} from './option-kinds.js';

const MIB = 1024 * 1024;
const DAY_MS = 24 * 3_600_000;

/*
 * All options. The types, the validation, the environment variables, and the tables in the documents come from here. An
 * editor and the documents show the comment of an option.
 */

/** @internal */
export const FILE_OPTIONS = {
  /** Directory of the database file, made if missing. */
  sqlitePath: option<string>({
    unit: 'a path, on a local disk',
    instead:
      'write the path of a directory; for a cache in memory only, one on tmpfs such as /dev/shm/hypercache',
    isValid: (value) => isText(value) && !/^(:memory:|file:)/.test(String(value)),
    parse: (text) => text,
    byDefault: './storage/hypercache',
    resolve: (path) => resolvePath(path),
  }),
  /** Permissions of the files that the node makes, and of their directory. */
  fileMode: option<number>({
    unit: 'an octal number, `0o600` to `0o777`; `600` in the environment',
    instead: 'write an octal number that lets the owner read and write, such as 0o600 or 0o660',
    isValid: isFileMode,
    parse: (text) => (/^(0o?)?[0-7]{3}$/.test(text) ? Number.parseInt(text.slice(-3), 8) : text),
    byDefault: 0o600,
  }),
  /** What a write whose promise has resolved survives. */
  durability: oneOf(['relaxed', 'normal', 'full'], 'normal'),
  /** Where commits are carried from the write-ahead log into the database file: in a worker thread, or within some commits. */
  checkpoints: oneOf(['worker', 'inline'], 'worker'),
  /** The largest size of the database file: entries are evicted before it grows larger. */
  maxSize: whole('bytes', 1024 * MIB, { from: 4 * MIB }),
  /** Entries held at most, in all namespaces. */
  maxEntries: option<number>({
    unit: 'whole, above 0, or Infinity',
    instead: 'write a whole number above 0, or Infinity',
    isValid: (value) => value === Infinity || whole('', 1).isValid(value),
    parse: parseNumber,
    byDefault: Infinity,
  }),
  /** A larger value is refused with `HC_VALUE_TOO_LARGE`, as is one over 85 % of `maxSize`. */
  maxValueSize: whole('bytes', 8 * MIB, { to: 256 * MIB }),
  /** Changes that the log keeps at most; fewer when they take an eighth of a full file. */
  changeLogEntries: whole('', 100_000),
  /** How long a change stays in the log at most. */
  changeLogAge: whole('ms', DAY_MS),
  /** Pause between two rounds of background work that found nothing more to do. */
  sweepInterval: whole('ms', 1000, { to: 3_600_000 }),
};

/** @internal */
export const ENTRY_OPTIONS = {
  /** The entry's time to live when a write gives none; 0 means no expiry. */
  ttl: option<Duration, number>({
    unit: 'ms or a duration, from 0',
    instead: "write milliseconds as a number from 0, or a duration such as '5m'; 0 means no expiry",
    isValid: (value) => isFromZero(milliseconds(value)),
    parse: parseNumber,
    byDefault: 0,
    resolve: (ttl) => Number(milliseconds(ttl)),
  }),
  /** Policies of `wrap` by name, for `wrap(key, factory, 'name')`. */
  policies: option<Readonly<Record<string, WrapPolicy>>, NamedPolicies>({
    unit: 'policies by name; JSON in the environment',
    instead: "write { name: { ttl: '1m', stale: '5m', grace: '1d' } }; see docs/policies.md",
    isValid: (value) => policiesProblem(value) === undefined,
    show: (value) => policiesProblem(value) ?? show(value),
    parse: parseJson,
    byDefault: {},
    resolve: (policies) => Object.freeze({ ...policies }) as NamedPolicies,
  }),
  /** The policy of every `wrap` for what the call, its policy and its cache leave out. */
  wrap: option<WrapPolicy, PolicyOptions>({
    unit: 'a policy; JSON in the environment',
    instead: "write { stale: '5m', grace: '1d' }, for example; see docs/policies.md",
    isValid: (value) => policyProblem(value) === undefined,
    show: (value) => policyProblem(value) ?? show(value),
    parse: parseJson,
    byDefault: {},
    resolve: (wrap) => Object.freeze({ ...wrap }),
  }),
  /** Name of the cache behind `CACHE_MANAGER`; caches of other names do not see its keys. */
  namespace: option<string>({
    unit: '1 to 256 characters',
    instead: 'write a non-empty string of at most 256 characters',
    isValid: isNamespace,
    parse: (text) => text,
    byDefault: 'default',
  }),
};

/** @internal */
export const MEMORY_OPTIONS = {
  /** Bounds of the memory layer, shared by all namespaces; `false` turns it off. */
  l1: option<L1Options | false, ResolvedL1>({
    unit: '`{ maxBytes, maxEntries }`: estimated bytes or a size, and entries if they are to be bounded as well, whole, above 0; `false` or JSON in the environment',
    instead:
      "write false, or { maxEntries, maxBytes } with whole numbers above 0; maxBytes may be a size such as '64MiB'",
    isValid: isL1,
    parse: parseJson,
    byDefault: { maxBytes: 64 * MIB },
    resolve: (l1) =>
      l1 !== false &&
      Object.freeze({
        maxEntries: l1.maxEntries ?? Infinity,
        maxBytes: Number(bytes(l1.maxBytes ?? 64 * MIB)),
      }),
  }),
  /** What a caller gets from memory: its own copy, one frozen object, or one shared reference. */
  isolation: oneOf(['copy', 'freeze', 'share'], 'copy'),
};

/** @internal */
export const LOCK_OPTIONS = {
  /** The longest `ttl` that a lock may ask for. */
  maxLockTtl: whole('ms', DAY_MS),
  /** Within this time a process notices what other processes on the file did. */
  coherenceInterval: whole('ms', 10, { to: 1000 }),
};

/** @internal */
export const NEST_OPTIONS = {
  /** Whether every module sees the cache without importing this one. */
  isGlobal: { ...flag(true), unit: 'boolean, in code only', parse: undefined },
  /** What receives the few log lines: `false` for silence, nothing for Nest's `Logger`. */
  logger: option<HyperCacheLogger | false, Logging>({
    unit: 'an object with `log`, `warn` and `error`; `false` in the environment',
    instead: 'pass an object with log(), warn() and error(), or false for silence',
    isValid: isLogger,
    parse: parseBoolean,
    byDefault: undefined,
  }),
};

/** @internal */
export const CLUSTER_OPTIONS = {
  /** The role of this node: it orders all writes, or it holds a replica. */
  role: oneOf(['primary', 'secondary'], 'primary', { environment: 'HYPERCACHE_SERVER_ROLE' }),
  /** The primary's address, with or without the path of the API at its end; a secondary needs it. */
  primaryUrl: option<string, string | undefined>({
    unit: 'an http or https URL',
    instead:
      "write the primary's address, such as 'http://10.0.0.1:3000'; a % in a password is written %25",
    isValid: isHttpUrl,
    parse: (text) => text,
    byDefault: undefined,
    show: (value) => show(typeof value === 'string' ? value.replace(/.*@/s, '...@') : value),
  }),
  /** The secret, or secrets while they are rotated, that nodes show each other; a secondary needs it. */
  apiToken: token(),
  /** The secret, or secrets, for what only operators do over HTTP: to notify a former primary that another one succeeded it. None may be in `apiToken`; without one this is off. */
  adminToken: token(),
  /** Whether the API requires signed requests, and a secondary signs its own: the token is not sent, and no request is accepted twice. */
  signRequests: flag(false),
  /** The time after which a request to the primary fails. */
  timeout: whole('ms', 2000, { to: MAX_TIMER_MS }),
  /** Whether a secondary's writes resolve when they are in its own outbox. */
  asyncRequests: flag(true, { environment: 'HYPERCACHE_ASYNC' }),
  /** What a secondary's reads find while its primary is lost: what the replica holds, or nothing after `staleAfter`. */
  onPrimaryLost: oneOf(['serve-stale', 'miss'], 'serve-stale'),
  /** Time without the primary after which `onPrimaryLost: 'miss'` takes effect. */
  staleAfter: whole('ms', 60_000, { to: MAX_TIMER_MS }),
  /** Writes that wait in the outbox at most. */
  outboxMaxEntries: whole('', 100_000),
  /** Bytes of writes that wait in the outbox at most. */
  outboxMaxBytes: whole('bytes', 64 * MIB),
  /** What happens to a write when the outbox is full: it is refused with `HC_OUTBOX_FULL`, or waits for room. */
  outboxFull: oneOf(['reject', 'block'], 'reject'),
  /** How a secondary reads: from its own replica, from the primary's file on the same host, or from the primary. */
  replica: oneOf(['feed', 'shared', 'none'], 'feed'),
  /** Whether a replica discards what it holds when its primary comes back empty, with a new history. */
  acceptNewHistory: flag(false),
};

/** @internal */
export const API_OPTIONS = {
  /** Path of the API, below the application's global prefix. */
  path: option<string>({
    unit: 'a path that begins with `/`; letters, digits, `-`, `.`, `_`, `~` in its segments; up to 256 characters',
    instead:
      "write a path such as '/api/hypercache': letters, digits, '-', '.', '_' and '~' after each '/'",
    isValid: isPath,
    parse: (text) => text,
    byDefault: '/api/hypercache',
  }),
  /** Serves the API on its own port, and not in the application. Recommended in production. */
  listen: option<ListenOptions, ResolvedListen>({
    unit: '`{ host, port }`, port 0 to 65,535; 0 takes a free one; `host:port` in the environment',
    instead:
      "write { host, port }, such as { host: '10.0.0.1', port: 3100 }; port 0 takes a free one",
    isValid: isListen,
    parse: parseListen,
    byDefault: undefined,
    resolve: (listen) => Object.freeze({ ...listen }),
  }),
  /** Applied to the API's controllers, to exempt them from the application's global guards and the like. */
  controllerDecorators: option<readonly ClassDecorator[]>({
    unit: 'class decorators, in code only',
    instead: 'pass a list of class decorators, such as [Public()]',
    isValid: (value) =>
      Array.isArray(value) && value.every((decorator) => typeof decorator === 'function'),
    byDefault: [],
    resolve: (decorators) => Object.freeze([...decorators]),
  }),
};

/** @internal */
export const ENGINE_OPTIONS = {
  /** The engine that stores the entries and orders the writes: nothing for SQLite on this machine, or `redis({ url })` of `nestjs-hypercache/redis`. */
  engine: option<EngineOption>({
    unit: 'what `redis()` returns, in code only',
    instead: "pass redis({ url }) of 'nestjs-hypercache/redis', or leave it out for SQLite",
    isValid: isEngine,
    show: () => 'not an engine',
    byDefault: undefined,
  }),
};

/** @internal */
export const OPTIONS = {
  ...ENGINE_OPTIONS,
  ...CLUSTER_OPTIONS,
  ...API_OPTIONS,
  ...ENTRY_OPTIONS,
  ...FILE_OPTIONS,
  ...MEMORY_OPTIONS,
  ...LOCK_OPTIONS,
  ...NEST_OPTIONS,
};

type ResolvedL1 = { readonly maxEntries: number; readonly maxBytes: number } | false;
type ResolvedListen = Readonly<ListenOptions> | undefined;
type Logging = HyperCacheLogger | false | undefined;
type Tokens = string | readonly string[];

const isFromZero = (value: unknown): boolean => typeof value === 'number' && value >= 0;

function token(): OptionSpec<Tokens, readonly string[]> {
  return {
    unit: `at least ${MIN_TOKEN_LENGTH} visible ASCII characters each, random; comma-separated in the environment`,
    instead: `write one random secret of at least ${MIN_TOKEN_LENGTH} visible ASCII characters, such as \`openssl rand -hex 32\` prints, or a list of them to rotate`,
    isValid: areTokens,
    parse: (text) => text.split(',').map((item) => item.trim()),
    byDefault: [],
    resolve: (tokens) => Object.freeze([tokens].flat()),
    show: () => 'not acceptable',
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** An IPv6 address is written in brackets. */
function parseListen(text: string): unknown {
  const [, host, port] = /^\[?(.+?)\]?:(\d{1,5})$/.exec(text.trim()) ?? [];
  return host === undefined ? text : { host, port: Number(port) };
}
