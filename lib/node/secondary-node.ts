import { join } from 'node:path';
import { Sweeper } from '../cache/sweeper.js';
import { LogTrimmer } from '../cache/log-trimmer.js';
import { SpaceReleaser } from '../cache/space-releaser.js';
import type { Clock } from '../common/clock.js';
import {
  ClosedError,
  RoleMismatchError,
  StorageLostError,
  type HyperCacheError,
} from '../common/errors.js';
import { CacheEvents, type HyperCacheEvent, type HyperCacheListener } from '../common/events.js';
import { IncidentLog } from '../common/incident-log.js';
import type { HyperCacheLogger } from '../common/logger.js';
import type { Random } from '../common/random.js';
import { FillClaims } from '../locks/fill-claims.js';
import { LockFactory } from '../locks/lock-factory.js';
import { ChangeOp, type Change } from '../replication/change-batch.js';
import { ForwardQueue } from '../replication/forward-queue.js';
import type { PrimaryClient } from '../replication/primary-client.js';
import { PrimaryClock } from '../replication/primary-clock.js';
import { RemoteLeases } from '../replication/remote-leases.js';
import { RemoteReads } from '../replication/remote-reads.js';
import { Replica } from '../replication/replica.js';
import { ReplicaLoop } from '../replication/replica-loop.js';
import { isBusy, isCorruption, toStorageError } from '../storage/sqlite-error.js';
import { Storage, type LossReason } from '../storage/storage.js';
import type { HyperCacheNode, HyperCacheStats, NodeCache } from './hyper-cache-node.js';
import { LocalCaches } from './local-caches.js';
import { MaintenanceLoop } from './maintenance-loop.js';
import type { ResolvedOptions } from './options.js';
import { ReplicaReads } from './replica-reads.js';

const FILE_NAME = 'hypercache.sqlite';
const SIDE_FILE_NAME = 'hypercache.snapshot.sqlite';

/** Entries are swept so long after their deadline: by then the primary's clock is surely past it. */
const SWEEP_MARGIN_MS = 10_000;

const REPLICA_ID_BYTES = 8;

/**
 * A node that reads from its own replica, and sends what it writes to the primary.
 *
 * @internal
 */
export class SecondaryNode implements HyperCacheNode {
  readonly locks: LockFactory;
  /** Nothing: replicas follow the primary alone. */
  readonly sync = undefined;
  readonly #storage: Storage;
  readonly #replica: Replica;
  readonly #loop: ReplicaLoop;
  readonly #queue: ForwardQueue;
  readonly #leases: RemoteLeases;
  readonly #caches: LocalCaches;
  readonly #sweeper: Sweeper;
  readonly #maintenance: MaintenanceLoop;
  readonly #events = new CacheEvents();
  readonly #incidents: IncidentLog;

  constructor(
    private readonly options: ResolvedOptions,
    private readonly client: PrimaryClient,
    clock: Clock,
    random: Random,
    private readonly logger: HyperCacheLogger,
  ) {
    const primaryClock = new PrimaryClock(clock);
    this.#incidents = new IncidentLog(this.#events, logger, clock);
    const createStorage = (name: string): Storage =>
      new Storage({
        path: join(options.sqlitePath, name),
        fullSync: false,
        clock,
        random,
        onForeignChanges: () => this.#caches.clearMemory(),
      });
    const storage = createStorage(FILE_NAME);
    this.#storage = storage;
    this.#replica = new Replica({
      storage,
      createSide: () => createStorage(SIDE_FILE_NAME),
      onChanged: (changes) => this.#dropChanged(changes),
    });
    this.#loop = new ReplicaLoop({
      client,
      replica: this.#replica,
      storage,
      clock,
      primaryClock,
      random,
      replicaId: random.hex(REPLICA_ID_BYTES),
      maxValueBytes: options.maxValueSize,
      onConnected: () => this.#onConnected(),
      onLost: (error) => this.#onLost(error),
      onSnapshot: (entries, ms) => this.#onSnapshot(entries, ms),
      onNewHistory: () => this.#onNewHistory(),
    });
    this.#queue = new ForwardQueue({
      client,
      replica: this.#replica,
      loop: this.#loop,
      timeoutMs: options.timeout,
    });
    const remote = new RemoteReads(client, primaryClock);
    this.#leases = new RemoteLeases(this.#queue, client, remote, clock);
    this.locks = new LockFactory(this.#leases, clock, random, options.maxLockTtl);
    const onReadError = (error: HyperCacheError): void => this.#incidents.report(error, 'reading');
    this.#caches = new LocalCaches({
      options,
      storage,
      queue: this.#queue,
      clock: primaryClock,
      claims: new FillClaims(this.#leases, clock, random, () => true),
      events: this.#events,
      incidents: this.#incidents,
      isReplica: true,
      readsOf: (local, namespace, counters) =>
        new ReplicaReads({
          namespace,
          local,
          remote,
          isReady: () => this.#replica.isReady,
          counters,
          onReadError,
        }),
      revision: () => (this.#replica.isReady ? storage.revision : remote.revision),
      onReadError: (error, cause) => {
        onReadError(error);
        if (isCorruption(cause)) this.#tryToRecover('corrupt');
      },
    });
    const late: Clock = {
      now: () => primaryClock.now() - SWEEP_MARGIN_MS,
      coarseNow: () => primaryClock.coarseNow() - SWEEP_MARGIN_MS,
      monotonic: () => clock.monotonic(),
    };
    this.#sweeper = new Sweeper(storage, late);
    const { changeLogEntries, changeLogAge, maxSize, sweepInterval } = options;
    const trimmer = new LogTrimmer(storage, clock, changeLogEntries, changeLogAge, maxSize);
    const watch = { step: () => this.#watchFile() };
    this.#maintenance = new MaintenanceLoop(
      [watch, this.#sweeper, trimmer, new SpaceReleaser(storage)],
      sweepInterval,
      (error) => this.#onMaintenanceError(error),
    );
  }

  async start(): Promise<void> {
    const storage = this.#storage;
    storage.open();
    this.#replica.load();
    if (!this.#replica.isReady && storage.revision > 0) {
      storage.close();
      throw new RoleMismatchError(
        `${storage.path} holds the data of a primary, and would be overwritten by that of another node.`,
        'Give the secondary a sqlitePath of its own, or move the directory away.',
      );
    }
    this.#maintenance.start();
    try {
      await this.#loop.start();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#maintenance.stop();
    if (!this.#queue.isClosed) await this.#queue.drain();
    this.#queue.close();
    this.#loop.stop();
    this.#leases.loseAll(new ClosedError());
    this.client.close();
    this.#storage.close();
  }

  flush(): Promise<void> {
    return this.#queue.drain();
  }

  cache(namespace: string, defaultTtl?: number): NodeCache {
    return this.#caches.cache(namespace, defaultTtl);
  }

  stats(): HyperCacheStats {
    const storage = this.#storage;
    const { budget } = this.#caches;
    const position = this.#replica.position;
    return {
      role: 'secondary',
      historyId: position?.historyId ?? '',
      epoch: position?.epoch ?? 0,
      revision: storage.revision,
      caches: this.#caches.counters(),
      l1: { entries: budget.entries, bytes: budget.bytes, evictions: budget.evictions },
      l2: {
        entries: storage.counts.total,
        ...storage.size(),
        walBytes: storage.walBytes(),
        evicted: 0,
        swept: this.#sweeper.swept,
      },
      queued: this.#queue.length,
      lockWaiters: this.#leases.waiting,
      incidents: this.#incidents.count,
      replica: {
        isReady: this.#replica.isReady,
        isConnected: this.#loop.isConnected,
        lag: this.#loop.head - storage.revision,
        lagMs: this.#loop.lagMs,
        snapshots: this.#loop.snapshots,
      },
    };
  }

  on<E extends HyperCacheEvent>(event: E, listener: HyperCacheListener<E>): void {
    this.#events.on(event, listener);
  }

  off<E extends HyperCacheEvent>(event: E, listener: HyperCacheListener<E>): void {
    this.#events.off(event, listener);
  }

  #dropChanged(changes: readonly Change[] | undefined): void {
    if (changes === undefined) {
      this.#caches.clearMemory();
      return;
    }
    for (const [, namespaceId, op, key] of changes) {
      // Deletions by prefix and by tag bring each key as well.
      const l1 = this.#caches.ownerOf(namespaceId)?.l1;
      if (op === ChangeOp.Clear) l1?.clear();
      else l1?.delete(key);
    }
  }

  #onConnected(): void {
    const { revision } = this.#storage;
    this.logger.log(`Following ${this.options.primaryUrl ?? ''} from revision ${revision}.`);
    this.#events.emit('replica:connected', { revision });
  }

  #onLost(error: HyperCacheError): void {
    this.#events.emit('replica:lost', {
      error,
      revision: this.#storage.isOpen ? this.#storage.revision : 0,
    });
    this.#incidents.report(error, 'following the primary');
  }

  #onSnapshot(entries: number, ms: number): void {
    this.logger.log(`Took a snapshot of ${entries} entries in ${Math.round(ms)} ms.`);
    this.#events.emit('replica:snapshot', { entries, ms });
  }

  #onNewHistory(): void {
    this.#leases.loseAll(
      new StorageLostError(
        'The primary has begun a new history.',
        'Start the work over under a new lock.',
      ),
    );
  }

  #onMaintenanceError(error: unknown): void {
    if (isBusy(error)) return;
    this.#incidents.report(toStorageError(error), 'maintaining the file');
    if (isCorruption(error)) this.#tryToRecover('corrupt');
  }

  #watchFile(): boolean {
    if (!this.#storage.isUnlinked()) return false;
    this.#tryToRecover('unlinked');
    return false;
  }

  /** A replica that is lost is copied again; until then reads go to the primary. */
  #tryToRecover(reason: LossReason): void {
    try {
      const quarantined = this.#storage.replace(reason);
      this.#replica.load();
      this.#caches.clearMemory();
      this.#loop.reconnect();
      this.logger.warn(`The replica was ${reason}; a new one is taken from the primary.`);
      this.#events.emit('recovered', { reason, quarantined });
    } catch (error) {
      this.#incidents.report(toStorageError(error), 'beginning a new file');
    }
  }
}
