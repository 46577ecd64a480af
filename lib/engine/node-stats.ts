import type { CacheStats, HitRatios } from './cache-stats.js';

/**
 * Counters and gauges of a node.
 *
 * @publicApi
 */
export interface HyperCacheStats {
  role: 'primary' | 'secondary';
  /** Random, made with the database file. */
  historyId: string;
  /** Grows at each start, except when a process joins others: it is the time of the start in ms since 2026, or more. */
  epoch: number;
  /** The revision of the last committed change. */
  revision: number;
  /** By namespace. */
  caches: Record<string, CacheStats>;
  /** Of all caches together. */
  ratios: HitRatios;
  /** Memory layer of all caches together. */
  l1: { entries: number; bytes: number; evictions: number };
  /** Database file; `entries` includes expired ones that were not yet swept. */
  l2: {
    entries: number;
    usedBytes: number;
    fileBytes: number;
    walBytes: number;
    /** Bound of `usedBytes`, the option `maxSize`; present on a primary, which evicts for all. */
    maxBytes?: number;
    /** What carries the log into the file now. */
    checkpoints?: 'worker' | 'inline';
    evicted: number;
    swept: number;
  };
  /** The engine's own figures, with an engine other than SQLite. `historyId`, `epoch`, `revision` and `l2` are then empty. */
  engine?: EngineStats;
  /** Writes that wait for their commit. */
  queued: number;
  /**
   * On a primary: locks and slots of semaphores that are held, by any owner. Counted among the first 10,000 known ones, in
   * order of their names. A free one stays known for `maxLockTtl` more, or until there are more than that.
   */
  locksHeld?: number;
  /** Promises of this process that wait for a lock; on a primary also those of secondaries. */
  lockWaiters: number;
  /** Failures that no caller saw; see the 'error' event. */
  incidents: number;
  /** On a secondary. */
  replica?: {
    /** Whether reads are served from this node. */
    isReady: boolean;
    /** Whether the primary's changes arrive. */
    isConnected: boolean;
    /** Whether the primary has been away for `staleAfter`, so that reads find nothing (`onPrimaryLost: 'miss'`). */
    isStale: boolean;
    /** Revisions of the primary that are known of but have not arrived here. */
    lag: number;
    /** Milliseconds from the commit of the last change that arrived to its arrival here. */
    lagMs: number;
    /** Snapshots taken since the start. */
    snapshots: number;
    /** How often it began to follow the primary, and how often it lost it; see 'replica:connected', 'replica:lost'. */
    connected: number;
    lost: number;
  };
  /** On a secondary: what waits for the primary, and what it has refused. */
  outbox?: { entries: number; bytes: number; deadLetters: number };
  /** On a primary: the replicas that follow it. */
  replicas?: {
    id: string;
    revision: number;
    lag: number;
    snapshot: boolean;
    bufferedBytes: number;
  }[];
}

/** Figures of an engine that keeps its entries on a server. @publicApi */
export interface EngineStats {
  kind: string;
  /** For example `'valkey 8.1.1'`; undefined before the first connection. */
  server: string | undefined;
  /** `host:port` of the server; undefined before it is known. */
  address: string | undefined;
  state: 'closed' | 'opening' | 'open';
  /** Connections made since the start. */
  sessions: number;
  /** How many of them led to another server process than before; see 'engine:failover'. */
  failovers: number;
  /** Duration of the last round trip, in milliseconds. */
  roundTrip: number | undefined;
  /** Messages from the server about changes to something in memory. */
  invalidations: number;
}

/** The figures that a replica reports. @internal */
export type ReplicaStats = Omit<NonNullable<HyperCacheStats['replica']>, keyof ReplicaTransitions>;

/** Counted by the node, whichever kind of replica it has. @internal */
export type ReplicaTransitions = Pick<
  NonNullable<HyperCacheStats['replica']>,
  'connected' | 'lost'
>;

/** An asynchronous write that the primary has refused for good. @publicApi */
export interface DeadLetterInfo {
  /** When it was refused, in Unix ms. */
  readonly at: number;
  /** Code of the refusal. */
  readonly code: string;
  readonly message: string;
  readonly kind: 'set' | 'delete';
  readonly namespace: string;
  readonly key: string;
  /** The value that was to be stored; undefined for a deletion, and for an unreadable value. */
  readonly value: unknown;
}
