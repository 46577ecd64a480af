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
  /** Grows at each start, but of a process that joins others: the time of the start in ms since 2026, or more. */
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
    /** Bound of `usedBytes`, the option `maxSize`; on a primary, which evicts for all. */
    maxBytes?: number;
    /** Who carries the log into the file, now. */
    checkpoints?: 'worker' | 'inline';
    evicted: number;
    swept: number;
  };
  /** With another engine than SQLite: its own part. Then `historyId`, `epoch`, `revision` and `l2` are empty. */
  engine?: EngineStats;
  /** Writes that wait for their commit. */
  queued: number;
  /**
   * On a primary: locks and slots of semaphores that are held, whoever holds them. Counted among the first 10,000 that
   * are known, in order of their names; one that is free is known for `maxLockTtl` more, or until there are more than that.
   */
  locksHeld?: number;
  /** Promises of this process that wait for a lock; on a primary also those of secondaries. */
  lockWaiters: number;
  /** Failures that no caller was told about; see the 'error' event. */
  incidents: number;
  /** On a secondary. */
  replica?: {
    /** Whether reads are served from this node. */
    isReady: boolean;
    /** Whether the primary's changes arrive. */
    isConnected: boolean;
    /** Whether the primary has been away for `staleAfter`, and reads find nothing (`onPrimaryLost: 'miss'`). */
    isStale: boolean;
    /** Revisions of the primary that are known of and not yet here. */
    lag: number;
    /** Milliseconds from the commit of the last change that arrived until it was here. */
    lagMs: number;
    /** Taken since the start. */
    snapshots: number;
    /** How often it began to follow the primary, and how often it lost it; see 'replica:connected', 'replica:lost'. */
    connected: number;
    lost: number;
  };
  /** On a secondary: what waits for the primary, and what it has refused. */
  outbox?: { entries: number; bytes: number; deadLetters: number };
  /** On a primary: those who follow it. */
  replicas?: {
    id: string;
    revision: number;
    lag: number;
    snapshot: boolean;
    bufferedBytes: number;
  }[];
}

/** Of an engine that keeps its entries on a server. @publicApi */
export interface EngineStats {
  kind: string;
  /** Such as `'valkey 8.1.1'`; undefined before the first connection. */
  server: string | undefined;
  state: 'closed' | 'opening' | 'open';
  /** Connections that were made. */
  sessions: number;
  /** Milliseconds of the last round trip. */
  roundTrip: number | undefined;
  /** Messages of the server that something in memory has changed. */
  invalidations: number;
}

/** What a replica says of itself. @internal */
export type ReplicaStats = Omit<NonNullable<HyperCacheStats['replica']>, keyof ReplicaTransitions>;

/** Counted by the node, whatever its replica is. @internal */
export type ReplicaTransitions = Pick<
  NonNullable<HyperCacheStats['replica']>,
  'connected' | 'lost'
>;

/** An asynchronous write that the primary has refused for good. @publicApi */
export interface DeadLetterInfo {
  /** When it was refused, in Unix ms. */
  readonly at: number;
  /** Of the refusal. */
  readonly code: string;
  readonly message: string;
  readonly kind: 'set' | 'delete';
  readonly namespace: string;
  readonly key: string;
  /** What was to be stored; undefined for a deletion, and for what cannot be read. */
  readonly value: unknown;
}
