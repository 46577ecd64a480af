import type { ConnectionOptions } from 'node:tls';
import { InvalidOptionsError, type OptionProblem } from '../common/errors.js';
import {
  addressesOf,
  resolveSentinelOptions,
  type Address,
  type ResolvedSentinelOptions,
  type SentinelOptions,
} from './sentinel-options.js';

/** The options of `redis()`. Times are milliseconds. @publicApi */
export interface RedisOptions {
  /**
   * `redis://[user:password@]host[:port][/database]`, or `rediss://` over TLS. Defaults to the environment's
   * `HYPERCACHE_REDIS_URL`.
   */
  url?: string | undefined;
  /** In place of `url`: asks Sentinels for the address of the master, before each connection and while it lasts. */
  sentinel?: SentinelOptions | undefined;
  /**
   * In place of `url`: some servers of a Redis or Valkey Cluster, which are asked for all of its masters; `port` is 6379 by
   * default. `username`, `password` and `tls` count for all servers.
   */
  cluster?: readonly { readonly host: string; readonly port?: number | undefined }[] | undefined;
  /** Replaces the user name in the url. */
  username?: string | undefined;
  /** Replaces the password in the url. It appears in no log, error or statistic. */
  password?: string | undefined;
  /** The prefix of all keys on the server: up to 64 bytes without `{ } : !` and spaces. @default 'hc' */
  prefix?: string | undefined;
  /** How long a request may take before it fails, from 50. @default 2000 */
  timeout?: number | undefined;
  /** How long an attempt to connect may take before it fails, from 50. @default 10000 */
  connectTimeout?: number | undefined;
  /** How long memory stays trusted without a sign of life from the server, from 500 to 60,000. @default 2000 */
  staleBound?: number | undefined;
  /**
   * Into how many parts the keys of each namespace are divided: a power of two from 1 to 1,024. All nodes need the same number,
   * and it stays for as long as the server holds the cache. @default 1, or 64 with `cluster`
   */
  buckets?: number | undefined;
  /** How many writes may wait for their replies, from 1. @default 10000 */
  maxPending?: number | undefined;
  /**
   * What reads find in memory while the server is away: nothing, or what memory held. With `'serve-stale'`, deletions and writes
   * of other nodes are not seen until the connection is back, for at most `staleAfter`. @default 'miss'
   */
  onLost?: 'miss' | 'serve-stale' | undefined;
  /** How long `onLost: 'serve-stale'` serves memory without a sign of life from the server, from `staleBound`. @default 60000 */
  staleAfter?: number | undefined;
  /**
   * Whether the start needs the server. With `'lazy'`, a server that cannot be reached does not stop the start: reads are
   * misses and writes reject until it can. @default 'strict'
   */
  start?: 'strict' | 'lazy' | undefined;
  /**
   * Options of `tls.connect` for a `rediss://` url, such as `ca`, `cert`, `key` and `servername`. With `sentinel` or `cluster`
   * they make the connections to the masters ones over TLS.
   */
  tls?: ConnectionOptions | undefined;
}

/** @internal */
export interface ResolvedRedisOptions {
  /** There is exactly one of `url`, `sentinel` and `cluster`. */
  readonly url: string | undefined;
  readonly sentinel: ResolvedSentinelOptions | undefined;
  readonly cluster: readonly Address[] | undefined;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly prefix: string;
  readonly timeout: number;
  readonly connectTimeout: number;
  readonly staleBound: number;
  readonly maxPending: number;
  /** Undefined takes the number that the cache has. */
  readonly buckets: number | undefined;
  readonly onLost: 'miss' | 'serve-stale';
  readonly staleAfter: number;
  readonly start: 'strict' | 'lazy';
  readonly tls: ConnectionOptions | undefined;
}

const NUMBERS = {
  timeout: { byDefault: 2000, from: 50, to: 2 ** 31 - 1 },
  connectTimeout: { byDefault: 10_000, from: 50, to: 2 ** 31 - 1 },
  staleBound: { byDefault: 2000, from: 500, to: 60_000 },
  maxPending: { byDefault: 10_000, from: 1, to: 10_000_000 },
  staleAfter: { byDefault: 60_000, from: 500, to: 2 ** 31 - 1 },
} as const;

/** How many buckets a namespace has by default in a cluster, so that it uses all masters. @internal */
export const CLUSTER_BUCKETS = 64;

const DEFAULT_PORT = 6379;

const TEXTS = ['url', 'username', 'password', 'prefix'] as const;

/** Options of a few words, the default first. */
const CHOICES = { onLost: ['miss', 'serve-stale'], start: ['strict', 'lazy'] } as const;

/**
 * Validates all options of `redis()` at once.
 *
 * @throws {HC_OPTIONS_INVALID}
 * @internal
 */
export function resolveRedisOptions(
  given: RedisOptions = {},
  environment: Readonly<Record<string, string | undefined>> = process.env,
): ResolvedRedisOptions {
  const problems: OptionProblem[] = [];
  const fault = (option: string, instead: string, value = 'not acceptable'): void => {
    problems.push({ option: `redis(): ${option}`, value, instead });
  };
  const names: readonly string[] = [
    ...TEXTS,
    ...Object.keys(NUMBERS),
    ...Object.keys(CHOICES),
    'buckets',
    'tls',
    'sentinel',
    'cluster',
  ];
  for (const name of Object.keys(given)) {
    if (!names.includes(name)) fault(name, `leave it out; known are ${names.join(', ')}`);
  }
  const { username, password, prefix = 'hc' } = given;
  const sentinel =
    given.sentinel === undefined
      ? undefined
      : resolveSentinelOptions(given.sentinel, (field, instead) =>
          fault(field === '' ? 'sentinel' : `sentinel.${field}`, instead),
        );
  const cluster =
    given.cluster === undefined ? undefined : addressesOf(given.cluster, DEFAULT_PORT);
  if (cluster?.length === 0) {
    fault(
      'cluster',
      "write some servers of the cluster, such as [{ host: 'redis-1', port: 6379 }]",
    );
  }
  const url = urlOf(given, environment, fault);
  for (const [name, text] of [
    ['username', username],
    ['password', password],
  ] as const) {
    if (text !== undefined && typeof text !== 'string') fault(name, 'write a string');
  }
  if (
    typeof prefix !== 'string' ||
    !/^[^{}:!\s]+$/.test(prefix) ||
    Buffer.byteLength(prefix) > 64
  ) {
    fault('prefix', 'write 1 to 64 bytes without { } : ! and spaces');
  }
  const { tls, onLost = 'miss', start = 'strict' } = given;
  for (const [name, value] of Object.entries({ onLost, start })) {
    const words: readonly string[] = CHOICES[name as keyof typeof CHOICES];
    if (!words.includes(value)) {
      fault(name, `write ${words.map((word) => `'${word}'`).join(' or ')}`);
    }
  }
  if (tls !== undefined && (typeof tls !== 'object' || tls === null)) {
    fault('tls', 'write an object: the options of tls.connect');
  } else if (tls !== undefined && isRedisUrl(url) && !String(url).startsWith('rediss:')) {
    fault('tls', 'write rediss:// in the url, or leave tls out', 'together with redis://');
  }
  const { buckets = cluster === undefined ? 1 : CLUSTER_BUCKETS } = given;
  if (
    !Number.isInteger(buckets) ||
    buckets < 1 ||
    buckets > 1024 ||
    (buckets & (buckets - 1)) !== 0
  ) {
    fault('buckets', 'write a power of two from 1 to 1024', String(buckets));
  }
  const numbers = { timeout: 0, connectTimeout: 0, staleBound: 0, maxPending: 0, staleAfter: 0 };
  for (const [name, { byDefault, from, to }] of Object.entries(NUMBERS)) {
    const value: unknown = given[name as keyof typeof NUMBERS] ?? byDefault;
    const isWhole = typeof value === 'number' && Number.isInteger(value);
    if (!isWhole || value < from || value > to) {
      fault(name, `write a whole number from ${from} to ${to}`, String(value));
    } else numbers[name as keyof typeof NUMBERS] = value;
  }
  if (numbers.staleAfter !== 0 && numbers.staleAfter < numbers.staleBound) {
    fault('staleAfter', 'write at least the value of staleBound', String(numbers.staleAfter));
  }
  if (problems.length > 0) throw new InvalidOptionsError(problems);
  return Object.freeze({
    url,
    sentinel,
    cluster,
    username,
    password,
    prefix,
    ...numbers,
    buckets,
    onLost,
    start,
    tls,
  });
}

/** The url, unless other options say where the server is. */
function urlOf(
  given: RedisOptions,
  environment: Readonly<Record<string, string | undefined>>,
  fault: (option: string, instead: string, value?: string) => void,
): string | undefined {
  const { sentinel, cluster } = given;
  const others = Object.entries({ sentinel, cluster }).filter(([, value]) => value !== undefined);
  const url = given.url ?? (others.length === 0 ? environment['HYPERCACHE_REDIS_URL'] : undefined);
  const [other] = others.at(-1) ?? [];
  if (other !== undefined) {
    if (url !== undefined) fault(other, `write either url or ${other}`, 'together with url');
    if (others.length > 1)
      fault(other, 'write either sentinel or cluster', 'together with sentinel');
  } else if (url === undefined || url === '') {
    fault(
      'url',
      "write the server's address, such as redis://cache:6379 (or set HYPERCACHE_REDIS_URL)",
      'missing',
    );
  } else if (!isRedisUrl(url)) {
    fault(
      'url',
      'write redis://host:port or rediss://host:port, with user:password@ before the host if needed',
    );
  }
  return url;
}

function isRedisUrl(url: unknown): boolean {
  if (typeof url !== 'string' || !URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return (protocol === 'redis:' || protocol === 'rediss:') && hostname !== '';
}
