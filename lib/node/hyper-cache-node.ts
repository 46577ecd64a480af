import type { Served } from '../cache/factory-run.js';
import type { PolicyOptions } from '../cache/policy.js';
import type { Factory, WrapOptions as NodeWrapOptions } from '../cache/wrap-options.js';
import type { CacheEntry } from '../cache/tiered-cache.js';
import type { Lifetime } from '../common/expiry.js';
import type { Listing } from '../engine/listing.js';
import type { VersionedEntry } from '../engine/l2.js';
import type { DeadLetterInfo, HyperCacheStats } from '../engine/node-stats.js';
import type { LockFactory } from '../locks/lock-factory.js';
import type { AdminEndpoint, SyncEndpoint } from '../cluster/wire/sync-endpoint.js';
import type { BackupSummary } from '../sqlite/backup.js';
import type { Duration } from '../common/duration.js';
import type { Runs } from './runs.js';
import type { Throttles } from './throttles.js';
import type { HyperCacheError, HyperCacheErrorCode } from '../common/errors.js';
import type { HyperCacheEvent, HyperCacheListener } from '../common/events.js';

export type { BackupSummary, DeadLetterInfo, HyperCacheStats };

type Awaitable<T> = T | Promise<T>;

/** @internal */
export interface NodeEntry extends Lifetime {
  readonly value: unknown;
}

/** @internal */
export interface NodeWriteOptions {
  /** The write is refused when a later token of this lock was granted. */
  readonly fence?: { readonly name: string; readonly token: number } | undefined;
  /** Milliseconds; 0 means no expiry; undefined and null mean the cache's default. */
  readonly ttl?: Duration | null | undefined;
  /** How long after its ttl the entry may still be served while it is refreshed, and when that fails. */
  readonly stale?: Duration | undefined;
  readonly grace?: Duration | undefined;
  readonly tags?: readonly string[] | undefined;
}

/** One write of several. @internal */
export interface NodeWrite extends Omit<NodeWriteOptions, 'fence'> {
  readonly key: string;
  readonly value: unknown;
}

/** @internal */
export type { NodeWrapOptions };

/**
 * One named cache on a node. Methods throw or reject with a `HyperCacheError`.
 *
 * @internal
 */
export interface NodeCache {
  readonly namespace: string;
  /** Milliseconds; 0 means no expiry. */
  readonly defaultTtl: number;
  get(key: string): Awaitable<unknown>;
  find(key: string): Awaitable<CacheEntry | undefined>;
  /** As {@link find}, also when it is stale. */
  findStale(key: string): Awaitable<CacheEntry | undefined>;
  isFresh(entry: Lifetime): boolean;
  mget(keys: readonly string[]): Awaitable<unknown[]>;
  has(key: string): Awaitable<boolean>;
  /** When it stops being fresh: Unix ms, Infinity when it never does, undefined on a miss. */
  expiresAt(key: string): Awaitable<number | undefined>;
  /** The committed live entry. */
  getWithRevision(key: string): Awaitable<VersionedEntry>;
  set(key: string, value: unknown, options?: NodeWriteOptions): Promise<number>;
  /** All or, if one of them is not acceptable, none. */
  mset(entries: readonly NodeWrite[]): Promise<void>;
  add(key: string, value: unknown, options?: NodeWriteOptions): Promise<boolean>;
  setIf(
    key: string,
    value: unknown,
    revision: number,
    options?: NodeWriteOptions,
  ): Promise<{ stored: boolean; revision: number }>;
  delete(key: string): Promise<boolean>;
  /** All or, if one of the keys is not acceptable, none; which of them were live. */
  mdelete(keys: readonly string[]): Promise<boolean[]>;
  pull(key: string): Promise<unknown>;
  touch(key: string, ttl?: Duration | null): Promise<boolean>;
  increment(
    key: string,
    by: number,
    options?: { ttl?: Duration | null | undefined; initial?: number | undefined },
  ): Promise<number>;
  deletePrefix(prefix: string): Promise<number>;
  deleteTag(tag: string): Promise<number>;
  clear(): Promise<number>;
  /** A fresh entry is stale from now on, and goes when it has no window; whether there was one. */
  expire(key: string): Promise<boolean>;
  expirePrefix(prefix: string): Promise<number>;
  expireTag(tag: string): Promise<number>;
  /** @param options also a ttl, or the name of a policy */
  wrap(
    key: string,
    factory: Factory,
    options?: NodeWrapOptions | Duration | string,
  ): Awaitable<Served>;
  /** As {@link wrap}, the value alone, released. */
  wrapValue(
    key: string,
    factory: Factory,
    options?: NodeWrapOptions | Duration | string,
  ): Awaitable<unknown>;
  /** The same entries, for calls of `wrap` that mean this when they say nothing. */
  withPolicy(policy: PolicyOptions): NodeCache;
  /** A failure that no caller is told of: an event, a counter and a log line. */
  report(error: unknown, during: string): void;
  /** Isolates what {@link find} or {@link wrap} returned for one more caller. */
  release(value: unknown): unknown;
  keys(prefix: string): AsyncIterableIterator<string>;
  entries(): AsyncIterableIterator<[string, unknown]>;
}

/**
 * How a node is, from what it has at hand: cheap enough for a probe each second, whatever the cache holds.
 *
 * @publicApi
 */
export interface HyperCacheHealth {
  role: 'primary' | 'secondary';
  /** Whether the node has started and is not closed. */
  isOpen: boolean;
  /**
   * On a primary: why its file did not take the last writes, such as `HC_STORAGE_FULL` or `HC_STORAGE_LOST`; undefined
   * when it did. With another engine than SQLite: `HC_SERVER_UNREACHABLE` while its server is away.
   */
  writes: HyperCacheErrorCode | undefined;
  /** Writes that wait for their commit. */
  queued: number;
  /** Failures of the last minute that no caller was told of, counted up to 1,000, and the code of the last one. */
  incidents: { lastMinute: number; lastCode: HyperCacheErrorCode | undefined };
  /** What this node holds: of its own history, or of its primary's. Undefined while no file is open, and where entries are on a server. */
  position: { historyId: string; epoch: number; revision: number } | undefined;
  /** On a secondary. */
  replica?: Pick<
    NonNullable<HyperCacheStats['replica']>,
    'isReady' | 'isConnected' | 'isStale' | 'lag' | 'lagMs'
  >;
  /** On a secondary. */
  outbox?: NonNullable<HyperCacheStats['outbox']>;
}

/**
 * The seam: everything above it works on any node, whatever its role or engine.
 *
 * @internal
 */
export interface HyperCacheNode {
  /**
   * The cache of a namespace; those of one name share their entries.
   *
   * @param defaultTtl milliseconds; 0 means no expiry; undefined means the node's
   */
  cache(namespace: string, defaultTtl?: number): NodeCache;
  /** Handles on locks, which are the node's: all its caches share their names. */
  readonly locks: LockFactory;
  /** What counts requests, and says which are too many; the names are the node's. */
  readonly throttles: Throttles;
  /** What runs once on all nodes; the names are the node's. */
  readonly runs: Runs;
  /** What other nodes ask of this one; undefined when it is not a primary. */
  readonly sync: (SyncEndpoint & AdminEndpoint) | undefined;
  /** What it holds itself, page by page; undefined when it holds nothing, or not yet everything. */
  readonly listing: Listing | undefined;
  /** Why something is not there that no other node has either; undefined where another one may have it. */
  readonly absent?: (what: string) => HyperCacheError;
  start(): Promise<void>;
  /**
   * Does what its timers would have done by now, by its clock: what waits is committed, what has expired is swept, leases that
   * have ended go on to the next. For a clock that jumps; never rejects.
   */
  runDue(): Promise<void>;
  /** Commits what waits and closes. Idempotent. */
  close(): Promise<void>;
  /**
   * Resolves when every write that was accepted before is committed, on the primary too.
   *
   * @param timeoutMs after which it rejects with the reason
   */
  flush(timeoutMs?: number): Promise<void>;
  /** Asynchronous writes that the primary has refused for good, the newest first. */
  deadLetters(limit: number): readonly DeadLetterInfo[];
  stats(): Awaitable<HyperCacheStats>;
  /** As {@link stats}, of what costs nothing to tell. */
  health(): HyperCacheHealth;
  /**
   * Copies the node's file, as of one point in time, beside what goes on.
   *
   * @param path of a file that there is not yet
   * @throws {HC_BACKUP_FAILED | HC_STORAGE_FULL | HC_CLOSED | HC_CAPABILITY_ABSENT}
   */
  backup(path: string): Promise<BackupSummary>;
  on<E extends HyperCacheEvent>(event: E, listener: HyperCacheListener<E>): void;
  off<E extends HyperCacheEvent>(event: E, listener: HyperCacheListener<E>): void;
}
