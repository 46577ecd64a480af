import type { Clock } from '../common/clock.js';
import type { HyperCacheError } from '../common/errors.js';
import type { CacheEvents } from '../common/events.js';
import type { IncidentLog } from '../common/incident-log.js';
import type { HyperCacheLogger } from '../common/logger.js';
import type { Random } from '../common/random.js';
import type { L2 } from '../engine/l2.js';
import type { MemoryCoherence } from '../engine/memory-coherence.js';
import type { FollowedChanges } from '../cluster/forward/forward-queue.js';
import type { PrimaryClient } from '../cluster/wire/primary-client.js';
import type { PrimaryClock } from '../cluster/replica/primary-clock.js';
import type { BackupSummary, HyperCacheStats, ReplicaStats } from './hyper-cache-node.js';
import type { LocalCaches } from './local-caches.js';
import type { ResolvedOptions } from './options.js';

/** @internal */
export interface ReplicaHostParts {
  readonly options: ResolvedOptions;
  readonly client: PrimaryClient;
  readonly clock: Clock;
  readonly primaryClock: PrimaryClock;
  readonly random: Random;
  readonly logger: HyperCacheLogger;
  readonly events: CacheEvents;
  readonly incidents: IncidentLog;
  /** The caches that read from it. */
  readonly caches: () => LocalCaches;
  /** The primary's history is not the one that was followed so far. */
  readonly onNewHistory: () => void;
}

/** Its share of the node's numbers. @internal */
export interface ReplicaHostStats extends Pick<
  HyperCacheStats,
  'historyId' | 'epoch' | 'revision' | 'l2'
> {
  readonly replica: ReplicaStats;
}

/**
 * What a secondary reads from, as the option `replica` says.
 *
 * @internal
 */
export interface ReplicaHost extends FollowedChanges {
  /** What it holds of a namespace, relied on only while it is ready; undefined when it never holds anything. */
  l2(namespace: string): L2 | undefined;
  readonly coherence: MemoryCoherence;
  /** Whether reads can be served from it; otherwise they go to the primary. */
  readonly isReady: boolean;
  /** The primary has been away for so long that nothing here counts any more: every read is a miss. */
  readonly isStale: boolean;
  /** @throws what only another configuration can mend */
  start(): Promise<void>;
  stop(): void;
  stats(): ReplicaHostStats;
  /** @throws {HC_BACKUP_FAILED | HC_STORAGE_FULL | HC_CLOSED} */
  backup(path: string): Promise<BackupSummary>;
  /** A read from it has failed. */
  onReadError(error: HyperCacheError): void;
}
