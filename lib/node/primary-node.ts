import { join } from 'node:path';
import { Coherence } from '../sqlite/coherence.js';
import { Evictor } from '../sqlite/maintenance/evictor.js';
import { LogTrimmer } from '../sqlite/maintenance/log-trimmer.js';
import { ThrottleCollector } from '../sqlite/maintenance/throttle-collector.js';
import { SpaceReleaser } from '../sqlite/maintenance/space-releaser.js';
import { Sweeper } from '../sqlite/maintenance/sweeper.js';
import type { Command, CommandResult, DeleteCommand, SetCommand } from '../engine/command.js';
import { CommandExecutor, isFailure } from '../sqlite/commands/command-executor.js';
import { PendingCommand } from '../engine/pending-command.js';
import type { Clock } from '../common/clock.js';
import { storedBytes } from '../value/codec.js';
import { RoleMismatchError, StorageLostError } from '../common/errors.js';
import { CacheEvents, type HyperCacheEvent, type HyperCacheListener } from '../common/events.js';
import { IncidentLog } from '../common/incident-log.js';
import type { HyperCacheLogger } from '../common/logger.js';
import type { Random } from '../common/random.js';
import { SteadyClock } from '../common/steady-clock.js';
import { LeaseClaims } from '../sqlite/lease-claims.js';
import { SqliteL2 } from '../sqlite/sqlite-l2.js';
import { tellChanges } from '../sqlite/tell-changes.js';
import { LeaseCollector } from '../sqlite/maintenance/lease-collector.js';
import { LeaseManager } from '../sqlite/lease-manager.js';
import { LockFactory } from '../locks/lock-factory.js';
import { ANCESTORS_META_KEY } from '../cluster/failover/ancestry.js';
import { ChangeFeed } from '../cluster/feed/change-feed.js';
import { executeOrphaned } from '../cluster/forward/execute-orphaned.js';
import { PrimaryEndpoint } from '../cluster/feed/primary-endpoint.js';
import type { PrimaryClient } from '../cluster/wire/primary-client.js';
import { SOURCE_META_KEY, type PrimaryAddress } from '../cluster/replica/replica.js';
import { readSuperseded } from '../cluster/failover/takeover.js';
import { isBusy, isCorruption, toStorageError } from '../sqlite/sqlite-error.js';
import type { RemovableRow } from '../sqlite/entry-table.js';
import { FILE_NAME, Storage, type LossReason } from '../sqlite/storage.js';
import { WriteQueue } from '../sqlite/write-queue.js';
import { BoundedWriter } from '../sqlite/bounded-writer.js';
import { ClockKeeper } from '../sqlite/maintenance/clock-notes.js';
import { checkpointerOf } from '../sqlite/checkpointer.js';
import type {
  BackupSummary,
  DeadLetterInfo,
  HyperCacheNode,
  HyperCacheHealth,
  HyperCacheStats,
  NodeCache,
} from './hyper-cache-node.js';
import { LocalCaches } from './local-caches.js';
import { MaintenanceLoop } from '../sqlite/maintenance/maintenance-loop.js';
import type { ResolvedOptions } from './options.js';
import { Failover } from '../cluster/failover/failover.js';
import { removeTemporaries } from './temporary-directory.js';
import { Throttles } from './throttles.js';

/**
 * The node that owns the file and orders all writes.
 *
 * @internal
 */
export class PrimaryNode implements HyperCacheNode {
  readonly locks: LockFactory;
  readonly throttles: Throttles;
  readonly sync: PrimaryEndpoint;
  readonly #storage: Storage;
  readonly #queue: WriteQueue<Command, CommandResult>;
  readonly #evictor: Evictor;
  readonly #sweeper: Sweeper;
  readonly #leases: LeaseManager;
  readonly #coherence: Coherence;
  readonly #maintenance: MaintenanceLoop;
  readonly #events = new CacheEvents();
  readonly #incidents: IncidentLog;
  readonly #caches: LocalCaches;
  readonly #feed: ChangeFeed;
  readonly #clock: SteadyClock;
  readonly #failover: Failover;

  constructor(
    private readonly options: ResolvedOptions,
    machineClock: Clock,
    private readonly random: Random,
    private readonly logger: HyperCacheLogger,
    /** How another primary is reached. */
    clientFor?: (primary: PrimaryAddress) => PrimaryClient,
  ) {
    const { maxSize, maxEntries } = options;
    const clock = new SteadyClock(machineClock);
    this.#clock = clock;
    const storage = new Storage({
      path: join(options.sqlitePath, FILE_NAME),
      fullSync: options.durability === 'full',
      clock,
      steadyClock: clock,
      random,
      onForeignChanges: (changes) => tellChanges(storage, changes, this.#caches),
      onAdvance: () => this.#feed.notify(),
      ...checkpointerOf(options, (error) => this.#incidents.report(error, 'checkpointing')),
    });
    this.#storage = storage;
    this.#incidents = new IncidentLog(this.#events, logger, clock);
    this.#failover = new Failover({
      storage,
      random,
      logger,
      incidents: this.#incidents,
      clientFor: options.adminToken.length > 0 ? clientFor : undefined,
      onSuperseded: (refusal) => {
        this.#feed.end('another node was promoted');
        this.#leases.loseAll(refusal);
      },
    });
    const trimmer = new LogTrimmer(
      storage,
      clock,
      options.changeLogEntries,
      options.changeLogAge,
      maxSize,
    );
    const collector = new LeaseCollector(storage, clock, options.maxLockTtl, maxSize);
    const throttleCollector = new ThrottleCollector(storage, clock, maxSize);
    this.#evictor = new Evictor({
      storage,
      clock,
      maxBytes: maxSize,
      maxEntries,
      givers: [trimmer, collector, throttleCollector],
      isHot: (id, key) => this.#caches.isHot(storage.namespaces.nameOf(id), key),
      onEvicted: (rows) => this.#onEvicted(rows),
    });
    const executor = new CommandExecutor(storage, clock);
    const writer = new BoundedWriter(
      executor,
      this.#evictor,
      () => this.#recover('corrupt'),
      () => this.#failover.refusal,
      storage,
    );
    this.#queue = new WriteQueue(writer, clock, isFailure);
    this.#leases = new LeaseManager(
      storage,
      this.#queue,
      clock,
      options.coherenceInterval,
      (error) => this.#onMaintenanceError(error),
    );
    this.#feed = new ChangeFeed(storage, clock, (error) => this.#onMaintenanceError(error));
    this.sync = new PrimaryEndpoint({
      storage,
      queue: this.#queue,
      leases: this.#leases,
      feed: this.#feed,
      clock,
      limits: options,
      onForward: (command) => this.#caches.raiseBarrier(command),
      onForwarded: (command, result) => this.#caches.dropForwarded(command, result),
      refusal: () => this.#failover.refusal,
      onSuperseded: (successor) => this.#failover.onSuperseded(successor),
    });
    this.#coherence = new Coherence({
      storage,
      clock,
      intervalMs: options.coherenceInterval,
      onError: (error) => this.#onMaintenanceError(error),
    });
    const onReadError = (error: unknown): void => this.#onReadError(error);
    const coherence = this.#coherence;
    const l2 = (namespace: string): SqliteL2 =>
      new SqliteL2(namespace, { storage, coherence, clock, onReadError });
    const leases = this.#leases;
    const isShared = (): boolean => this.#isShared();
    this.#caches = new LocalCaches({
      options,
      engine: {
        clock,
        queue: this.#queue,
        coherence,
        l2,
        claims: (namespace) =>
          new LeaseClaims(namespace, { leases, l2: l2(namespace), random, isShared }),
      },
      events: this.#events,
      isRelaxed: options.durability === 'relaxed',
      onReadError,
      onSilentError: (error, during) => this.#incidents.report(toStorageError(error), during),
    });
    this.locks = new LockFactory(this.#leases, machineClock, random, options.maxLockTtl);
    this.throttles = new Throttles({
      queue: this.#queue,
      clock,
      incidents: this.#incidents,
      isFar: false,
    });
    this.#sweeper = new Sweeper(storage, clock);
    const clockKeeper = new ClockKeeper(storage, clock);
    const watch = { step: () => this.#watchFile() };
    this.#maintenance = new MaintenanceLoop(
      [
        watch,
        clockKeeper,
        this.#sweeper,
        this.#evictor,
        trimmer,
        collector,
        throttleCollector,
        new SpaceReleaser(storage, clock),
      ],
      options.sweepInterval,
      (error) => this.#onMaintenanceError(error),
    );
  }

  async start(): Promise<void> {
    this.#storage.open();
    this.#refuseForeign();
    removeTemporaries(this.options.sqlitePath);
    const { quarantined } = this.#storage;
    if (quarantined !== undefined) this.#announceRecovery('corrupt', quarantined);
    this.#coherence.start();
    this.#maintenance.start();
    await this.#executeOrphaned();
    this.#failover.tellFormerPrimary();
  }

  /** A node that was promoted has accepted writes that its primary never got. */
  async #executeOrphaned(): Promise<void> {
    if (this.#storage.readMeta(ANCESTORS_META_KEY) === undefined) return;
    const { options, random, logger } = this;
    const clock = this.#clock;
    const report = (error: unknown): void =>
      this.#incidents.report(toStorageError(error), 'doing the asynchronous writes that wait here');
    try {
      const count = await executeOrphaned({
        directory: options.sqlitePath,
        fullSync: options.durability === 'full',
        clock,
        random,
        limits: options,
        execute: (command) => this.#execute(command),
        onDeadLetter: (error, target) => {
          if (target !== undefined) this.#events.emit('outbox:refused', { ...target, error });
          this.#incidents.report(error, 'doing an asynchronous write');
        },
        onUnopened: report,
        onQuarantined: (path) => {
          logger.warn(`An outbox was damaged: writes in it may be lost. It was kept as ${path}.`);
        },
      });
      if (count > 0) logger.log(`Did ${count} asynchronous writes that had waited here.`);
    } catch (error) {
      report(error);
    }
  }

  #execute(command: SetCommand | DeleteCommand): Promise<CommandResult> {
    return new Promise((resolve, reject) => {
      const bytes = 'value' in command ? storedBytes(command.value) : 0;
      this.#queue.push(new PendingCommand(command, bytes, resolve, reject));
    });
  }

  /** What a secondary has copied goes on in the history of another node; so does what another node has taken over. */
  #refuseForeign(): void {
    const storage = this.#storage;
    const isReplica = storage.readMeta(SOURCE_META_KEY) !== undefined;
    const refusal = isReplica
      ? new RoleMismatchError(
          `${storage.path} holds the replica of a secondary.`,
          'Give the primary the sqlitePath of its own data, or an empty directory; to make this replica the primary, with all its data, stop the former primary and run `npx hypercache promote`.',
        )
      : readSuperseded(storage);
    if (refusal === undefined) return;
    storage.close();
    throw refusal;
  }

  async close(): Promise<void> {
    this.#failover.stop();
    this.#feed.end('the primary stops');
    this.#maintenance.stop();
    this.#coherence.stop();
    this.#leases.close();
    this.#storage.beginStop();
    this.#queue.close();
    this.#storage.close();
  }

  flush(): Promise<void> {
    return this.#queue.drain();
  }

  /** Its own writes need nobody else. */
  deadLetters(): readonly DeadLetterInfo[] {
    return [];
  }

  cache(namespace: string, defaultTtl?: number): NodeCache {
    return this.#caches.cache(namespace, defaultTtl);
  }

  stats(): HyperCacheStats {
    const storage = this.#storage;
    const { budget } = this.#caches;
    return {
      role: 'primary',
      historyId: storage.historyId,
      epoch: storage.epoch,
      revision: storage.revision,
      caches: this.#caches.stats(),
      ratios: this.#caches.ratios(),
      l1: {
        entries: budget.entries,
        bytes: budget.bytes,
        evictions: budget.evictions,
      },
      l2: {
        entries: storage.counts.total,
        ...storage.size(),
        walBytes: storage.walBytes(),
        checkpoints: storage.checkpoints,
        evicted: this.#evictor.evicted,
        swept: this.#sweeper.swept,
      },
      queued: this.#queue.length,
      locksHeld: this.#leases.countHeld(),
      lockWaiters: this.#leases.waiting,
      incidents: this.#incidents.count,
      replicas: this.#feed.replicas.map(({ replicaId, revision, snapshot, buffered }) => ({
        id: replicaId,
        revision,
        lag: storage.revision - revision,
        snapshot,
        bufferedBytes: buffered,
      })),
    };
  }

  health(): HyperCacheHealth {
    const storage = this.#storage;
    return {
      role: 'primary',
      isOpen: storage.isOpen,
      writes: this.#queue.failure,
      queued: this.#queue.length,
      incidents: this.#incidents.recent,
      position: storage.isOpen
        ? { historyId: storage.historyId, epoch: storage.epoch, revision: storage.revision }
        : undefined,
    };
  }

  async backup(path: string): Promise<BackupSummary> {
    await this.#queue.drain();
    return this.#storage.backUp(path);
  }

  on<E extends HyperCacheEvent>(event: E, listener: HyperCacheListener<E>): void {
    this.#events.on(event, listener);
  }

  off<E extends HyperCacheEvent>(event: E, listener: HyperCacheListener<E>): void {
    this.#events.off(event, listener);
  }

  /** Whether other nodes, or other processes on the file, may call the same factories. */
  #isShared(): boolean {
    return this.options.apiToken.length > 0 || this.#storage.isShared();
  }

  #onReadError(error: unknown): void {
    this.#incidents.report(toStorageError(error), 'reading');
    if (isCorruption(error)) this.#tryToRecover('corrupt');
  }

  #onEvicted(rows: readonly RemovableRow[]): void {
    const { namespaces } = this.#storage;
    for (const { namespace_id, key } of rows) {
      const namespace = namespaces.nameOf(namespace_id);
      if (namespace !== undefined) this.#caches.changed(namespace, key);
    }
    if (rows.length > 0) this.#events.emit('evicted', { entries: rows.length });
  }

  #onMaintenanceError(error: unknown): void {
    // Somebody else holds the file for a moment: the next round finds the same work.
    if (isBusy(error)) return;
    this.#incidents.report(toStorageError(error), 'maintaining the file');
    if (isCorruption(error)) this.#tryToRecover('corrupt');
  }

  #watchFile(): boolean {
    if (!this.#storage.isUnlinked()) {
      this.#coherence.adjust();
      this.#failover.look();
      return false;
    }
    const reason = this.#storage.lossReason;
    if (reason === 'unlinked') {
      const error = new StorageLostError(
        'The database file was deleted or replaced while in use.',
        'Leave the files in sqlitePath alone while the application runs; to empty the cache, call clear().',
      );
      this.#incidents.report(error, 'watching the file');
    }
    this.#tryToRecover(reason);
    return false;
  }

  /** As {@link #recover}, for those who have no caller to tell; the maintenance tries again. */
  #tryToRecover(reason: LossReason): void {
    try {
      this.#recover(reason);
    } catch (error) {
      this.#incidents.report(toStorageError(error), 'beginning a new file');
    }
  }

  /** A new file, a new history: what memory still holds belongs to the old one. */
  #recover(reason: LossReason): void {
    const quarantined = this.#storage.replace(reason);
    this.#feed.end('the primary has begun a new file');
    this.#caches.lost();
    this.#leases.loseAll(
      new StorageLostError(
        `The file that held the leases was ${reason}.`,
        'Start the work over under a new lock.',
      ),
    );
    this.#announceRecovery(reason, quarantined);
  }

  #announceRecovery(reason: LossReason, quarantined: string | undefined): void {
    const kept = quarantined === undefined ? '' : ` The old one was kept as ${quarantined}.`;
    this.logger.warn(`The cache file was ${reason}; an empty one was begun.${kept}`);
    this.#events.emit('recovered', { reason, quarantined });
  }
}
