import { join } from 'node:path';
import type { Command, CommandResult } from '../engine/command.js';
import { CommandExecutor, isFailure } from '../sqlite/commands/command-executor.js';
import { RoleMismatchError } from '../common/errors.js';
import type { HyperCacheEvent, HyperCacheListener } from '../common/events.js';
import { SteadyClock } from '../common/steady-clock.js';
import { ANCESTORS_META_KEY } from '../cluster/failover/ancestry.js';
import { Failover } from '../cluster/failover/failover.js';
import { Serving } from '../cluster/failover/serving.js';
import { readSuperseded } from '../cluster/failover/takeover.js';
import { ChangeFeed } from '../cluster/feed/change-feed.js';
import { PrimaryEndpoint } from '../cluster/feed/primary-endpoint.js';
import { executeOrphaned } from '../cluster/forward/execute-orphaned.js';
import { SOURCE_META_KEY, type PrimaryAddress } from '../cluster/replica/replica.js';
import type { PrimaryClient } from '../cluster/wire/primary-client.js';
import { LockFactory } from '../locks/lock-factory.js';
import { BoundedWriter } from '../sqlite/bounded-writer.js';
import { checkpointerOf } from '../sqlite/checkpointer.js';
import { Coherence } from '../sqlite/coherence.js';
import { FileListing } from '../sqlite/file-listing.js';
import { LeaseClaims } from '../sqlite/lease-claims.js';
import { LeaseManager } from '../sqlite/lease-manager.js';
import { ClockKeeper } from '../sqlite/maintenance/clock-notes.js';
import { Evictor } from '../sqlite/maintenance/evictor.js';
import { LeaseCollector } from '../sqlite/maintenance/lease-collector.js';
import { LogTrimmer } from '../sqlite/maintenance/log-trimmer.js';
import { MaintenanceLoop } from '../sqlite/maintenance/maintenance-loop.js';
import { SpaceReleaser } from '../sqlite/maintenance/space-releaser.js';
import { Sweeper } from '../sqlite/maintenance/sweeper.js';
import { ThrottleCollector } from '../sqlite/maintenance/throttle-collector.js';
import { toStorageError } from '../sqlite/sqlite-error.js';
import { SqliteL2 } from '../sqlite/sqlite-l2.js';
import { FILE_NAME, Storage } from '../sqlite/storage.js';
import { WriteQueue } from '../sqlite/write-queue.js';
import { FileCare } from './file-care.js';
import type {
  BackupSummary,
  DeadLetterInfo,
  HyperCacheNode,
  HyperCacheHealth,
  HyperCacheStats,
  NodeCache,
} from './hyper-cache-node.js';
import { LocalCaches } from './local-caches.js';
import { Namespaces } from './namespaces.js';
import type { NodeContext } from './node-context.js';
import { removeTemporaries } from './temporary-directory.js';
import { Runs } from './runs.js';
import { Throttles } from './throttles.js';

/**
 * The node that owns the file and orders all writes.
 *
 * @internal
 */
export class PrimaryNode implements HyperCacheNode {
  readonly locks: LockFactory;
  readonly throttles: Throttles;
  readonly runs: Runs;
  readonly sync: PrimaryEndpoint;
  readonly listing: FileListing;
  readonly #namespaces: Namespaces;
  readonly #storage: Storage;
  readonly #care: FileCare;
  readonly #failover: Failover;
  readonly #evictor: Evictor;
  readonly #sweeper: Sweeper;
  readonly #queue: WriteQueue<Command, CommandResult>;
  readonly #leases: LeaseManager;
  readonly #feed: ChangeFeed;
  readonly #coherence: Coherence;
  readonly #caches: LocalCaches;
  readonly #maintenance: MaintenanceLoop;

  constructor(
    private readonly context: NodeContext,
    /** How another primary is reached. */
    clientFor?: (primary: PrimaryAddress) => PrimaryClient,
  ) {
    const { options, random, logger, events, incidents } = context;
    const { maxSize, maxEntries } = options;
    const clock = new SteadyClock(context.clock);
    const serving = new Serving();
    const namespaces = new Namespaces(options.l1, clock, events);
    const storage = new Storage({
      path: join(options.sqlitePath, FILE_NAME),
      fullSync: options.durability === 'full',
      clock,
      steadyClock: clock,
      random,
      memory: namespaces,
      ...checkpointerOf(options, (error) => incidents.report(error, 'checkpointing')),
    });
    this.listing = new FileListing(storage, clock);
    const care = new FileCare({ ...context, storage, memory: namespaces, serving });
    const { onReadError, onMaintenanceError } = care;
    const failover = new Failover({
      storage,
      serving,
      random,
      logger,
      incidents,
      clientFor: options.adminToken.length > 0 ? clientFor : undefined,
    });
    const { changeLogEntries, changeLogAge, maxLockTtl } = options;
    const trimmer = new LogTrimmer(storage, clock, changeLogEntries, changeLogAge, maxSize);
    const collector = new LeaseCollector(storage, clock, maxLockTtl, maxSize);
    const throttleCollector = new ThrottleCollector(storage, clock, maxSize);
    const nameOf = (id: number): string => storage.namespaces.nameOf(id) ?? '';
    const evictor = new Evictor({
      storage,
      clock,
      maxBytes: maxSize,
      maxEntries,
      givers: [trimmer, collector, throttleCollector],
      isHot: (id, key) => namespaces.isHot(nameOf(id), key),
      onEvicted: (rows) => {
        for (const { namespace_id, key } of rows) namespaces.changed(nameOf(namespace_id), key);
        if (rows.length > 0) events.emit('evicted', { entries: rows.length });
      },
    });
    const executor = new CommandExecutor(storage, clock);
    const onCorruption = (): void => care.recover('corrupt');
    const writer = new BoundedWriter({ executor, evictor, storage, serving, onCorruption });
    const queue = new WriteQueue(writer, clock, isFailure);
    const { coherenceInterval } = options;
    const leases = new LeaseManager(storage, queue, clock, coherenceInterval, onMaintenanceError);
    const feed = new ChangeFeed(storage, clock, onMaintenanceError);
    serving.interrupted.on((reason, cause) => {
      feed.end(reason);
      leases.loseAll(cause);
    });
    const coherence = new Coherence({
      storage,
      clock,
      intervalMs: coherenceInterval,
      onError: onMaintenanceError,
    });
    const l2 = (namespace: string): SqliteL2 =>
      new SqliteL2(namespace, { storage, coherence, clock, onReadError });
    /** Whether other nodes, or other processes on the file, may call the same factories. */
    const isShared = (): boolean => options.apiToken.length > 0 || storage.isShared();
    this.#caches = new LocalCaches({
      options,
      namespaces,
      engine: {
        clock,
        queue,
        coherence,
        l2,
        claims: (namespace) =>
          new LeaseClaims(namespace, { leases, l2: l2(namespace), random, isShared }),
      },
      events,
      isRelaxed: options.durability === 'relaxed',
      onReadError,
      onSilentError: (error, during) => incidents.report(toStorageError(error), during),
    });
    this.locks = new LockFactory(leases, context.clock, random, maxLockTtl);
    this.throttles = new Throttles({ queue, clock, incidents, isFar: false });
    this.runs = new Runs({ ...context, clock, queue, locks: this.locks });
    this.sync = new PrimaryEndpoint({
      storage,
      queue,
      leases,
      feed,
      clock,
      serving,
      limits: options,
      onForward: (command) => namespaces.raiseBarrier(command),
      onForwarded: (command, result) => namespaces.dropForwarded(command, result),
      onSuperseded: (successor) => failover.onSuperseded(successor),
    });
    const sweeper = new Sweeper(storage, clock);
    const watch = (): boolean => {
      if (care.watch()) {
        coherence.adjust();
        failover.look();
      }
      return false;
    };
    this.#maintenance = new MaintenanceLoop(
      [
        { step: watch },
        new ClockKeeper(storage, clock),
        sweeper,
        evictor,
        trimmer,
        collector,
        throttleCollector,
        new SpaceReleaser(storage, clock),
      ],
      options.sweepInterval,
      onMaintenanceError,
    );
    this.#namespaces = namespaces;
    this.#storage = storage;
    this.#care = care;
    this.#failover = failover;
    this.#evictor = evictor;
    this.#sweeper = sweeper;
    this.#queue = queue;
    this.#leases = leases;
    this.#feed = feed;
    this.#coherence = coherence;
  }

  async start(): Promise<void> {
    this.#storage.open();
    this.#refuseForeign();
    removeTemporaries(this.context.options.sqlitePath);
    this.#care.announceQuarantine();
    this.#coherence.start();
    this.#maintenance.start();
    if (this.#storage.readMeta(ANCESTORS_META_KEY) !== undefined) {
      // A node that was promoted has accepted writes that its primary never got.
      await executeOrphaned({ ...this.context, queue: this.#queue });
    }
    this.#failover.tellFormerPrimary();
  }

  /** What a secondary has copied goes on in the history of another node; so does what another node has taken over. */
  #refuseForeign(): void {
    const storage = this.#storage;
    const isReplica = storage.readMeta(SOURCE_META_KEY) !== undefined;
    const refusal = isReplica
      ? new RoleMismatchError(
          `${storage.path} holds the replica of a secondary.`,
          'Give the primary the sqlitePath of its own data, or an empty directory; to make this replica the primary, with all its data, stop the former primary and run `npx --no hypercache promote`.',
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
    return {
      role: 'primary',
      historyId: storage.historyId,
      epoch: storage.epoch,
      revision: storage.revision,
      ...this.#namespaces.stats(),
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
      incidents: this.context.incidents.count,
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
      incidents: this.context.incidents.recent,
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
    this.context.events.on(event, listener);
  }

  off<E extends HyperCacheEvent>(event: E, listener: HyperCacheListener<E>): void {
    this.context.events.off(event, listener);
  }
}
