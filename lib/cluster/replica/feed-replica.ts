import { join } from 'node:path';
import { PrimaryUnreachableError, type HyperCacheError } from '../../common/errors.js';
import type { Listing } from '../../engine/listing.js';
import type { L2 } from '../../engine/l2.js';
import type { MemoryCoherence } from '../../engine/memory-coherence.js';
import type { ChangeBatch } from '../wire/change-batch.js';
import type { Position } from '../wire/position.js';
import { Replica } from './replica.js';
import { forgetReplicated } from './forget-replicated.js';
import { isBusy, isCorruption, toStorageError } from '../../sqlite/sqlite-error.js';
import { FileListing } from '../../sqlite/file-listing.js';
import { SqliteL2 } from '../../sqlite/sqlite-l2.js';
import { FILE_NAME, Storage, type StorageOptions } from '../../sqlite/storage.js';
import { checkpointerOf } from '../../sqlite/checkpointer.js';
import { FeedConnection } from './feed-connection.js';
import { FeedState } from './feed-state.js';
import type { BackupSummary } from '../../sqlite/backup.js';
import { LeaderLock } from './leader-lock.js';
import {
  nothingToBackUp,
  type ReplicaSource,
  type ReplicaSourceParts,
  type ReplicaSourceStats,
} from './replica-source.js';
import { ReplicaLeader } from './replica-leader.js';
import { ReplicaStandby } from './replica-standby.js';

const SIDE_FILE_NAME = 'hypercache.snapshot.sqlite';

/** Lock file of the process that follows the primary. Of several processes in one directory, one holds it. */
const LEAD_FILE_NAME = 'hypercache.lead';

/**
 * A secondary's own file, kept up to date by the primary's changes. Of several processes in one directory, the leader
 * follows the primary for all. The others stand by: they read the file, and one of them takes over when the leader
 * ends.
 *
 * @internal
 */
export class FeedReplica implements ReplicaSource {
  readonly storage: Storage;
  readonly coherence: MemoryCoherence;
  readonly #listing: FileListing;
  readonly #replica: Replica;
  readonly #lead: LeaderLock;
  readonly #connection: FeedConnection;
  readonly #leader: ReplicaLeader;
  readonly #standby: ReplicaStandby;

  constructor(private readonly parts: ReplicaSourceParts) {
    const { options, clock, random, incidents, memory } = parts;
    const createStorage = (name: string, more: Partial<StorageOptions> = {}): Storage =>
      new Storage({
        path: join(options.sqlitePath, name),
        fullSync: false,
        clock,
        random,
        hasOneWriter: true,
        memory,
        ...more,
      });
    const storage = createStorage(FILE_NAME, {
      ...checkpointerOf(options, (error) => incidents.report(error, 'checkpointing')),
      isExchanged: true,
    });
    const replica = new Replica({
      storage,
      clock,
      createSide: () => createStorage(SIDE_FILE_NAME),
      onChanged: (changes) => forgetReplicated(storage, changes, memory),
      primary: { url: options.primaryUrl ?? '', path: options.path },
    });
    this.storage = storage;
    this.#listing = new FileListing(storage, parts.primaryClock);
    this.#replica = replica;
    this.#lead = new LeaderLock({
      path: join(options.sqlitePath, LEAD_FILE_NAME),
      clock,
      onError: (error) => incidents.report(toStorageError(error), 'notifying the other processes'),
    });
    this.#connection = new FeedConnection({ ...parts, storage });
    const shared = {
      ...parts,
      storage,
      replica,
      state: new FeedState(storage),
      connection: this.#connection,
    };
    this.#leader = new ReplicaLeader(shared);
    this.#standby = new ReplicaStandby({
      ...shared,
      lead: this.#lead,
      onLead: () => this.#takeOver(),
    });
    const { coherence } = this.#standby;
    this.coherence = {
      isTrusted: () => this.isReady && coherence.isTrusted(),
      keepsOwnWrites: false,
    };
  }

  l2(namespace: string): L2 {
    return new SqliteL2(namespace, {
      storage: this.storage,
      coherence: this.#standby.coherence,
      clock: this.parts.primaryClock,
      onReadError: (error) => this.onReadError(error),
    });
  }

  get listing(): Listing | undefined {
    return this.isReady ? this.#listing : undefined;
  }

  get isReady(): boolean {
    return !this.isStale && this.#replica.isReady;
  }

  get isStale(): boolean {
    return this.#connection.isStale;
  }

  /** A snapshot brings the changes too. */
  get isFed(): boolean {
    return this.#standby.isReading || this.#leader.isConnected || this.#replica.isCopying;
  }

  get position(): Position | undefined {
    return this.#replica.position;
  }

  async start(): Promise<void> {
    if (!this.#lead.tryAcquire()) {
      this.#standby.start(true);
      return;
    }
    try {
      this.#leader.open();
    } catch (error) {
      throw toStorageError(error);
    }
    await this.#leader.follow();
  }

  /** The process that led so far is gone. */
  #takeOver(): void {
    const { logger, incidents, memory, client } = this.parts;
    const wasConnected = this.#connection.isMade;
    memory.lost();
    this.#connection.forget();
    try {
      this.#leader.open(0);
    } catch (error) {
      // Another process is opening the file at the moment.
      if (!isBusy(error)) incidents.report(toStorageError(error), 'following the primary');
      // Another process may be able to lead; this one tries again later.
      this.storage.close();
      this.#lead.release();
      if (wasConnected) {
        const reason =
          'the process that followed it here has ended, and no other process can take its place yet';
        this.#connection.lost(new PrimaryUnreachableError(client.url, reason));
      }
      this.#standby.start(false);
      return;
    }
    logger.log('The process that followed the primary has ended: this one follows it.');
    this.#leader.follow().catch((error: unknown) => {
      incidents.report(toStorageError(error), 'following the primary');
    });
  }

  stop(): void {
    this.#connection.stop();
    this.#standby.stop();
    this.#leader.stop();
    this.storage.close();
    this.#lead.release();
  }

  apply(batch: ChangeBatch): void {
    // A snapshot that is under way takes its changes from the feed alone, because the feed keeps them in order.
    if (!this.#standby.isReading && !this.#replica.isCopying) this.#replica.apply(batch);
  }

  mustReach(position: Position): void {
    this.#replica.mustReach(position);
  }

  whenReached(position: Position, timeoutMs: number): Promise<boolean> {
    const reached = this.#replica.whenReached(position, timeoutMs);
    return this.#standby.isReading ? this.#standby.during(reached) : reached;
  }

  stats(): ReplicaSourceStats {
    const { storage } = this;
    const { historyId = '', epoch = 0 } = this.#replica.position ?? {};
    return {
      historyId,
      epoch,
      revision: storage.revision,
      l2: {
        ...(storage.isOpen
          ? { entries: storage.counts.total, ...storage.size() }
          : { entries: 0, usedBytes: 0, fileBytes: 0 }),
        walBytes: storage.walBytes(),
        checkpoints: storage.checkpoints,
        evicted: 0,
        swept: this.#leader.swept,
      },
      replica: {
        isReady: this.isReady,
        isConnected: this.#standby.isReading ? this.#connection.isMade : this.#leader.isConnected,
        isStale: this.isStale,
        ...this.#leader.progress,
      },
    };
  }

  async backup(path: string): Promise<BackupSummary> {
    const { position } = this;
    if (position === undefined) throw nothingToBackUp();
    const summary = await this.storage.backUp(path);
    const { historyId, epoch } = this.position ?? position;
    return { ...summary, historyId, epoch };
  }

  onReadError(error: HyperCacheError): void {
    this.parts.incidents.report(error, 'reading');
    // The file belongs to the leader, which notices the damage by itself.
    if (isCorruption(error) && !this.#standby.isReading) this.#leader.tryToRecover('corrupt');
  }
}
