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
  /** As {@link find}, but also finds a stale entry. */
  findStale(key: string): Awaitable<CacheEntry | undefined>;
  isFresh(entry: Lifetime): boolean;
  mget(keys: readonly string[]): Awaitable<unknown[]>;
  has(key: string): Awaitable<boolean>;
  /** When it stops being fresh: Unix ms, Infinity when it never does, undefined on a miss. */
  expiresAt(key: string): Awaitable<number | undefined>;
  /** The committed live entry. */
  getWithRevision(key: string): Awaitable<VersionedEntry>;
  set(key: string, value: unknown, options?: NodeWriteOptions): Promise<number>;
  /** Stores all or, if one of them is not acceptable, none. */
  mset(entries: readonly NodeWrite[]): Promise<void>;
  add(key: string, value: unknown, options?: NodeWriteOptions): Promise<boolean>;
  setIf(
    key: string,
    value: unknown,
    revision: number,
    options?: NodeWriteOptions,
  ): Promise<{ stored: boolean; revision: number }>;
  delete(key: string): Promise<boolean>;
  /** Deletes all or, if one of the keys is not acceptable, none; resolves to which of them were live. */
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
  /** Makes a fresh entry stale from now on, or removes it when it has no window; resolves to whether there was one. */
  expire(key: string): Promise<boolean>;
  expirePrefix(prefix: string): Promise<number>;
  expireTag(tag: string): Promise<number>;
  /** @param options or a ttl, or the name of a policy */
  wrap(
    key: string,
    factory: Factory,
    options?: NodeWrapOptions | Duration | string,
  ): Awaitable<Served>;
  /** As {@link wrap}, but returns only the value, released. */
  wrapValue(
    key: string,
    factory: Factory,
    options?: NodeWrapOptions | Duration | string,
  ): Awaitable<unknown>;
  /** The names of the policies that a call of `wrap` may give. */
  readonly policies: readonly string[];
  /** The same entries, with this policy as the default of `wrap`. */
  withPolicy(policy: PolicyOptions): NodeCache;
  /** Reports a failure that no caller sees: an event, a counter and a log line. */
  report(error: unknown, during: string): void;
  /** Isolates for one more caller what {@link find} or {@link wrap} returned. */
  release(value: unknown): unknown;
  keys(prefix: string): AsyncIterableIterator<string>;
  entries(): AsyncIterableIterator<[string, unknown]>;
}

/**
 * The state of a node, from what it already knows: cheap enough for a probe each second, whatever the cache holds.
 *
 * @publicApi
 */
export interface HyperCacheHealth {
  role: 'primary' | 'secondary';
  /** Whether the node has started and is not closed. */
  isOpen: boolean;
  /**
   * On a primary: why its file did not take the last writes, such as `HC_STORAGE_FULL` or `HC_STORAGE_LOST`; undefined when
   * it took them. With an engine other than SQLite: `HC_SERVER_UNREACHABLE` while its server is away.
   */
  writes: HyperCacheErrorCode | undefined;
  /** Writes that wait for their commit. */
  queued: number;
  /** Failures of the last minute that no caller saw, counted up to 1,000, and the code of the last one. */
  incidents: { lastMinute: number; lastCode: HyperCacheErrorCode | undefined };
  /**
   * The position of this node, in its own history or its primary's. Undefined while no file is open, and where entries are on
   * a server.
   */
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
 * The boundary of a node: everything above it works on any node, whatever its role or engine.
 *
 * @internal
 */
export interface HyperCacheNode {
  /**
   * The cache of a namespace; caches of one name share their entries.
   *
   * @param defaultTtl milliseconds; 0 means no expiry; undefined means the node's default
   */
  cache(namespace: string, defaultTtl?: number): NodeCache;
  /** Makes handles on locks; all caches of the node share the names of locks. */
  readonly locks: LockFactory;
  /** Counts requests, and decides which are too many; all caches of the node share the names. */
  readonly throttles: Throttles;
  /** Runs what must run once on all nodes; all caches of the node share the names. */
  readonly runs: Runs;
  /** Answers other nodes; undefined when this node is not a primary. */
  readonly sync: (SyncEndpoint & AdminEndpoint) | undefined;
  /** Lists what the node itself holds, page by page; undefined when it holds nothing, or not yet everything. */
  readonly listing: Listing | undefined;
  /** Explains why no node has something; undefined where another node may have it. */
  readonly absent?: (what: string) => HyperCacheError;
  start(): Promise<void>;
  /**
   * Does what its timers would have done by now, by its clock: commits what waits, sweeps what has expired, and passes leases
   * that have ended to the next waiter. For a clock that jumps; never rejects.
   */
  runDue(): Promise<void>;
  /** Commits what waits and closes. Idempotent. */
  close(): Promise<void>;
  /**
   * Resolves when every write that was accepted before this call is committed, on the primary too.
   *
   * @param timeoutMs the time after which it rejects with the reason
   */
  flush(timeoutMs?: number): Promise<void>;
  /** Asynchronous writes that the primary has refused for good, newest first. */
  deadLetters(limit: number): readonly DeadLetterInfo[];
  stats(): Awaitable<HyperCacheStats>;
  /** As {@link stats}, limited to what costs nothing to collect. */
  health(): HyperCacheHealth;
  /**
   * Copies the node's file, as of one point in time, while other work continues.
   *
   * @param path of a file that does not exist yet
   * @throws {HC_BACKUP_FAILED | HC_STORAGE_FULL | HC_CLOSED | HC_CAPABILITY_ABSENT}
   */
  backup(path: string): Promise<BackupSummary>;
  on<E extends HyperCacheEvent>(event: E, listener: HyperCacheListener<E>): void;
  off<E extends HyperCacheEvent>(event: E, listener: HyperCacheListener<E>): void;
}
