import type { Clock } from '../../common/clock.js';
import { BackupFailedError, type HyperCacheError } from '../../common/errors.js';
import type { CacheEvents } from '../../common/events.js';
import type { IncidentLog } from '../../common/incident-log.js';
import type { HyperCacheLogger } from '../../common/logger.js';
import type { Random } from '../../common/random.js';
import type { Listing } from '../../engine/listing.js';
import type { L2 } from '../../engine/l2.js';
import type { MemoryCoherence, MemoryListener } from '../../engine/memory-coherence.js';
import type { FollowedChanges } from '../forward/unapplied-writes.js';
import type { PrimaryClient } from '../wire/primary-client.js';
import type { RemoteClock } from '../../common/remote-clock.js';
import type { HyperCacheStats, ReplicaStats } from '../../engine/node-stats.js';
import type { BackupSummary } from '../../sqlite/backup.js';
import type { CommandLimits } from '../wire/command-codec.js';

/** The options of a node that concern where it reads. @internal */
export interface ReplicaOptions extends CommandLimits {
  readonly sqlitePath: string;
  readonly primaryUrl: string | undefined;
  readonly path: string;
  readonly acceptNewHistory: boolean;
  readonly onPrimaryLost: 'serve-stale' | 'miss';
  /** Milliseconds, as are the ones that follow. */
  readonly staleAfter: number;
  readonly coherenceInterval: number;
  readonly sweepInterval: number;
  readonly changeLogAge: number;
  readonly changeLogEntries: number;
  /** Bytes. */
  readonly maxSize: number;
  readonly checkpoints: 'worker' | 'inline';
}

/** @internal */
export interface ReplicaSourceParts {
  readonly options: ReplicaOptions;
  readonly client: PrimaryClient;
  readonly clock: Clock;
  readonly primaryClock: RemoteClock;
  readonly random: Random;
  readonly logger: HyperCacheLogger;
  readonly events: CacheEvents;
  readonly incidents: IncidentLog;
  /** The caches that read from this source. */
  readonly memory: MemoryListener;
  /** The primary's history differs from the one that this node followed so far. */
  readonly onNewHistory: () => void;
}

/** This source's part of the node's statistics. @internal */
export interface ReplicaSourceStats extends Pick<
  HyperCacheStats,
  'historyId' | 'epoch' | 'revision' | 'l2'
> {
  readonly replica: ReplicaStats;
}

/**
 * What a secondary reads from, as chosen by the option `replica`.
 *
 * @internal
 */
export interface ReplicaSource extends FollowedChanges {
  /**
   * What it holds of a namespace, reliable only while the source is ready. Undefined when the source never holds
   * anything.
   */
  l2(namespace: string): L2 | undefined;
  readonly coherence: MemoryCoherence;
  /** Lists what it holds page by page, while it holds everything. */
  readonly listing: Listing | undefined;
  /** Whether reads can be served from it; otherwise they go to the primary. */
  readonly isReady: boolean;
  /** The primary has been away for so long that nothing held here counts any more: every read is a miss. */
  readonly isStale: boolean;
  /** @throws an error that only another configuration can fix */
  start(): Promise<void>;
  stop(): void;
  stats(): ReplicaSourceStats;
  /** @throws {HC_BACKUP_FAILED | HC_STORAGE_FULL | HC_CLOSED} */
  backup(path: string): Promise<BackupSummary>;
  /** A read from it has failed. */
  onReadError(error: HyperCacheError): void;
}

/** @internal */
export function nothingToBackUp(): BackupFailedError {
  return new BackupFailedError(
    'This node has no file of its own, or nothing in it yet.',
    "Take the backup on the primary, or on a secondary with replica: 'feed' that has taken its first snapshot.",
  );
}
