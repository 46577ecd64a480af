import { isLasting } from './replica-loop.js';
import { pack } from '../wire/wire.js';
import { RequestKind } from '../wire/exchange.js';
import type { HyperCacheError } from '../../common/errors.js';
import { toStorageError } from '../../sqlite/sqlite-error.js';
import type { BackupSummary } from '../../sqlite/backup.js';
import {
  nothingToBackUp,
  type ReplicaSource,
  type ReplicaSourceParts,
  type ReplicaSourceStats,
} from './replica-source.js';

/**
 * A secondary without a replica: every read goes to the primary.
 *
 * @internal
 */
export class NoReplica implements ReplicaSource {
  /** No feed reports to this node what others change. */
  readonly coherence = { isTrusted: () => false, keepsOwnWrites: false };
  readonly isReady = false;
  readonly isStale = false;
  readonly isFed = true;
  readonly position = undefined;
  readonly listing = undefined;

  constructor(private readonly parts: ReplicaSourceParts) {}

  l2(): undefined {
    return undefined;
  }

  /** Sends an empty request, to check that a primary answers. */
  async start(): Promise<void> {
    try {
      await this.parts.client.exchange(pack([RequestKind.Queries, []]));
    } catch (error) {
      const failure = toStorageError(error);
      if (isLasting(failure)) throw failure;
      this.parts.incidents.report(failure, 'greeting the primary');
    }
  }

  stop(): void {
    // There is nothing to close.
  }

  apply(): void {
    // There is nothing to bring up to date.
  }

  mustReach(): void {
    // Every read goes to the primary, which has reached the position.
  }

  async whenReached(): Promise<boolean> {
    return true;
  }

  stats(): ReplicaSourceStats {
    return {
      historyId: '',
      epoch: 0,
      revision: 0,
      l2: { entries: 0, usedBytes: 0, fileBytes: 0, walBytes: 0, evicted: 0, swept: 0 },
      replica: {
        isReady: false,
        isConnected: true,
        isStale: false,
        lag: 0,
        lagMs: 0,
        snapshots: 0,
      },
    };
  }

  async backup(): Promise<BackupSummary> {
    throw nothingToBackUp();
  }

  onReadError(error: HyperCacheError): void {
    this.parts.incidents.report(error, 'reading');
  }
}
