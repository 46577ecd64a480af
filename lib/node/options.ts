import type { Isolation } from '../value/isolation.js';
import type { HyperCacheLogger } from '../common/logger.js';

/** Of the database file in `sqlitePath`. @internal */
export const FILE_NAME = 'hypercache.sqlite';

/** @publicApi */
export type HyperCacheRole = 'primary' | 'secondary';

/** How a secondary reads. @publicApi */
export type ReplicaMode = 'feed' | 'shared' | 'none';

/** Bounds of the memory layer, shared by all caches of a node. @publicApi */
export interface L1Options {
  /** Entries held at most. @default 10_000 */
  maxEntries?: number | undefined;
  /** Bytes held at most, estimated. @default 67_108_864 (64 MiB) */
  maxBytes?: number | undefined;
}

/** A port of its own for the HTTP API. @publicApi */
export interface ListenOptions {
  /** An address or name of this machine. */
  host: string;
  /** From 0 to 65535; 0 takes a free one, which a log line names. */
  port: number;
}

/**
 * When `await set()` resolves, and what it survives.
 *
 * @publicApi
 */
export type Durability = 'relaxed' | 'normal' | 'full';

/**
 * The options of `HyperCacheModule.forRoot()`. Unknown names are errors.
 *
 * @publicApi
 */
export interface HyperCacheOptions {
  /** What this node is in its cluster. @default HYPERCACHE_SERVER_ROLE, else 'primary' */
  role?: HyperCacheRole | undefined;
  /** The primary's address, on a secondary. @default HYPERCACHE_PRIMARY_URL */
  primaryUrl?: string | undefined;
  /** Secrets of at least 32 characters that nodes show each other. @default HYPERCACHE_API_TOKEN, comma-separated */
  apiToken?: string | readonly string[] | undefined;
  /**
   * Secrets for what only operators do over HTTP, as apiToken, and none of them: telling a former primary that another
   * node was promoted. Without one that is off. @default HYPERCACHE_ADMIN_TOKEN, comma-separated
   */
  adminToken?: string | readonly string[] | undefined;
  /**
   * Whether the API wants signed requests, and a secondary signs its own: the token does not travel, and no request is
   * accepted twice. @default HYPERCACHE_SIGN_REQUESTS, else false
   */
  signRequests?: boolean | undefined;
  /** Milliseconds until a request to the primary fails. @default HYPERCACHE_TIMEOUT, else 2000 */
  timeout?: number | undefined;
  /** Whether a secondary's writes resolve when they are in its outbox. @default HYPERCACHE_ASYNC, else true */
  asyncRequests?: boolean | undefined;
  /**
   * What a secondary's reads find while its primary is lost: what the replica holds, or, after `staleAfter`,
   * nothing. @default 'serve-stale'
   */
  onPrimaryLost?: 'serve-stale' | 'miss' | undefined;
  /** Milliseconds without the primary after which `onPrimaryLost: 'miss'` takes effect. @default 60_000 */
  staleAfter?: number | undefined;
  /** Writes that wait in the outbox at most. @default 100_000 */
  outboxMaxEntries?: number | undefined;
  /** Bytes of writes that wait in the outbox at most. @default 67_108_864 (64 MiB) */
  outboxMaxBytes?: number | undefined;
  /** What a write meets when the outbox is full: it is refused, or it waits for room. @default 'reject' */
  outboxFull?: 'reject' | 'block' | undefined;
  /**
   * How a secondary reads: 'feed': from its own replica, which follows the primary's changes. 'shared': from the
   * primary's file, on the same host. 'none': from the primary, with every read. @default 'feed'
   */
  replica?: ReplicaMode | undefined;
  /**
   * Whether a replica gives up what it holds for a primary that has come back empty, with a new history. Without it
   * the replica goes on serving, and says so. @default false
   */
  acceptNewHistory?: boolean | undefined;
  /** Where the HTTP API stands, below the application's global prefix. @default '/api/hypercache' */
  path?: string | undefined;
  /** Serves the HTTP API on a port of its own, and not in the application. @default undefined: in the application */
  listen?: ListenOptions | undefined;
  /**
   * Applied to the controllers of the HTTP API, to exempt them from what the application does to all routes, such
   * as `Public()` or `SkipThrottle()`. @default []
   */
  controllerDecorators?: readonly ClassDecorator[] | undefined;
  /** Directory of the database file; created if missing. @default HYPERCACHE_SQLITE_PATH, else './storage/hypercache' */
  sqlitePath?: string | undefined;
  /** Milliseconds that an entry lives when its write says nothing; 0 means no expiry. @default 0 */
  ttl?: number | undefined;
  /** Name of the cache behind CACHE_MANAGER; caches of other names do not see its keys. @default 'default' */
  namespace?: string | undefined;
  /** Whether every module of the application sees the cache without importing this one. @default true */
  isGlobal?: boolean | undefined;
  /** Bounds of the memory layer; false turns it off. @default { maxEntries: 10_000, maxBytes: 67_108_864 } */
  l1?: L1Options | false | undefined;
  /** What a caller gets from memory: its own copy, one frozen object, or one shared reference. @default 'copy' */
  isolation?: Isolation | undefined;
  /**
   * 'normal': a resolved write survives the end of the process; power loss may take the last commits.
   * 'full': it survives power loss too. 'relaxed': `set` and `del` resolve at once and are committed
   * within milliseconds. @default 'normal'
   */
  durability?: Durability | undefined;
  /**
   * Where what was committed is carried from the write-ahead log into the database file: in a worker thread, or
   * within some of the commits, which then hold the event loop. @default 'worker'
   */
  checkpoints?: 'worker' | 'inline' | undefined;
  /** Bytes that the database file takes at most, from 4 MiB. @default 1_073_741_824 (1 GiB) */
  maxSize?: number | undefined;
  /** Entries held at most. @default Infinity */
  maxEntries?: number | undefined;
  /** Bytes of an encoded value at most; on a primary 85 % of `maxSize` if that is less. @default 8_388_608 (8 MiB) */
  maxValueSize?: number | undefined;
  /** Changes kept in the log for nodes and processes that catch up. @default 100_000 */
  changeLogEntries?: number | undefined;
  /** Milliseconds that a change stays in the log at most. @default 86_400_000 (24 h) */
  changeLogAge?: number | undefined;
  /** Milliseconds between two rounds of background work when there is nothing to do. @default 1000 */
  sweepInterval?: number | undefined;
  /** Milliseconds that a lock's ttl may be at most. @default 86_400_000 (24 h) */
  maxLockTtl?: number | undefined;
  /** Milliseconds within which the processes on one file notice each other's writes. @default 10 */
  coherenceInterval?: number | undefined;
  /** Where the few log lines go; false for silence. @default Nest's Logger */
  logger?: HyperCacheLogger | false | undefined;
}

/** Options after validation: everything is set. @internal */
export interface ResolvedOptions {
  readonly role: HyperCacheRole;
  readonly primaryUrl: string | undefined;
  readonly apiToken: readonly string[];
  readonly adminToken: readonly string[];
  readonly signRequests: boolean;
  readonly timeout: number;
  readonly asyncRequests: boolean;
  readonly onPrimaryLost: 'serve-stale' | 'miss';
  readonly staleAfter: number;
  readonly outboxMaxEntries: number;
  readonly outboxMaxBytes: number;
  readonly outboxFull: 'reject' | 'block';
  readonly replica: ReplicaMode;
  readonly acceptNewHistory: boolean;
  readonly path: string;
  readonly listen: Readonly<ListenOptions> | undefined;
  readonly controllerDecorators: readonly ClassDecorator[];
  /** Absolute. */
  readonly sqlitePath: string;
  readonly ttl: number;
  readonly namespace: string;
  readonly isGlobal: boolean;
  readonly l1: Required<{ readonly maxEntries: number; readonly maxBytes: number }> | false;
  readonly isolation: Isolation;
  readonly durability: Durability;
  readonly checkpoints: 'worker' | 'inline';
  readonly maxSize: number;
  readonly maxEntries: number;
  readonly maxValueSize: number;
  readonly changeLogEntries: number;
  readonly changeLogAge: number;
  readonly sweepInterval: number;
  readonly maxLockTtl: number;
  readonly coherenceInterval: number;
  readonly logger: HyperCacheLogger | false | undefined;
}
