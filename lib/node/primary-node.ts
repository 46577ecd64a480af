import { join } from 'node:path';
import { zeroCounters } from '../cache/cache-stats.js';
import { CacheWriter } from '../cache/cache-writer.js';
import { Evictor } from '../cache/evictor.js';
import { LogTrimmer } from '../cache/log-trimmer.js';
import { PendingWrites } from '../cache/pending-writes.js';
import { ReadThrough } from '../cache/read-through.js';
import { SpaceReleaser } from '../cache/space-releaser.js';
import { Sweeper } from '../cache/sweeper.js';
import { TieredCache } from '../cache/tiered-cache.js';
import type { Command, CommandResult } from '../commands/command.js';
import { CommandExecutor, isFailure } from '../commands/command-executor.js';
import type { Clock } from '../common/clock.js';
import { StorageLostError, type HyperCacheError } from '../common/errors.js';
import { CacheEvents, type HyperCacheEvent, type HyperCacheListener } from '../common/events.js';
import { IncidentLog } from '../common/incident-log.js';
import type { HyperCacheLogger } from '../common/logger.js';
import type { Random } from '../common/random.js';
import { L1 } from '../memory/l1.js';
import { L1Budget } from '../memory/l1-budget.js';
import { LeaseCollector } from '../locks/lease-collector.js';
import { LeaseManager } from '../locks/lease-manager.js';
import { LockFactory } from '../locks/lock-factory.js';
import type { SyncEndpoint } from '../replication/sync-endpoint.js';
import { ChangeKind, type ChangeRow } from '../storage/change-log.js';
import type { RemovableRow } from '../storage/entry-table.js';
import { isBusy, isCorruption, toStorageError } from '../storage/sqlite-error.js';
import { Storage, type LossReason } from '../storage/storage.js';
import { WriteQueue } from '../storage/write-queue.js';
import { BoundedWriter } from './bounded-writer.js';
import { CoherenceLoop } from './coherence-loop.js';
import type { HyperCacheNode, HyperCacheStats, NodeCache } from './hyper-cache-node.js';
import { MaintenanceLoop } from './maintenance-loop.js';
import type { ResolvedOptions } from './options.js';
import { PrimaryCache } from './primary-cache.js';

const FILE_NAME = 'hypercache.sqlite';

interface OwnCache {
  readonly cache: PrimaryCache;
  readonly l1: L1 | undefined;
  readonly counters: HyperCacheStats['caches'][string];
}

/**
 * The node that owns the file and orders all writes.
 *
 * @internal
 */
export class PrimaryNode implements HyperCacheNode {
  readonly locks: LockFactory;
  readonly sync: SyncEndpoint | undefined = undefined;
  readonly #storage: Storage;
  readonly #queue: WriteQueue<Command, CommandResult>;
  readonly #budget: L1Budget;
  readonly #evictor: Evictor;
  readonly #sweeper: Sweeper;
  readonly #leases: LeaseManager;
  readonly #coherence: CoherenceLoop;
  readonly #maintenance: MaintenanceLoop;
  readonly #events = new CacheEvents();
  readonly #incidents: IncidentLog;
  readonly #caches = new Map<string, OwnCache>();

  constructor(
    private readonly options: ResolvedOptions,
    private readonly clock: Clock,
    random: Random,
    private readonly logger: HyperCacheLogger,
  ) {
    const { l1, maxSize, maxEntries } = options;
    const storage = new Storage({
      path: join(options.sqlitePath, FILE_NAME),
      fullSync: options.durability === 'full',
      clock,
      random,
      onForeignChanges: (changes) => this.#dropForeign(changes),
    });
    this.#storage = storage;
    this.#incidents = new IncidentLog(this.#events, logger, clock);
    this.#budget = l1 === false ? new L1Budget(0, 0) : new L1Budget(l1.maxEntries, l1.maxBytes);
    const trimmer = new LogTrimmer(
      storage,
      clock,
      options.changeLogEntries,
      options.changeLogAge,
      maxSize,
    );
    this.#evictor = new Evictor({
      storage,
      maxBytes: maxSize,
      maxEntries,
      log: trimmer,
      isHot: (namespaceId, key) => this.#ownerOf(namespaceId)?.l1?.isHot(key) ?? false,
      onEvicted: (rows) => this.#dropEvicted(rows),
    });
    const executor = new CommandExecutor(storage, clock);
    const writer = new BoundedWriter(executor, this.#evictor, () => this.#recover('corrupt'));
    this.#queue = new WriteQueue(writer, clock, isFailure);
    this.#leases = new LeaseManager(
      storage,
      this.#queue,
      clock,
      options.coherenceInterval,
      (error) => this.#onMaintenanceError(error),
    );
    this.locks = new LockFactory(this.#leases, clock, random, options.maxLockTtl);
    this.#sweeper = new Sweeper(storage, clock);
    const collector = new LeaseCollector(storage, clock, options.maxLockTtl);
    const { coherenceInterval } = options;
    this.#coherence = new CoherenceLoop(storage, coherenceInterval, (error) =>
      this.#onMaintenanceError(error),
    );
    const watch = { step: () => this.#watchFile() };
    this.#maintenance = new MaintenanceLoop(
      [watch, this.#sweeper, this.#evictor, trimmer, collector, new SpaceReleaser(storage)],
      options.sweepInterval,
      (error) => this.#onMaintenanceError(error),
    );
  }

  async start(): Promise<void> {
    this.#storage.open();
    const { quarantined } = this.#storage;
    if (quarantined !== undefined) this.#announceRecovery('corrupt', quarantined);
    this.#coherence.adjust();
    this.#maintenance.start();
  }

  async close(): Promise<void> {
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

  cache(namespace: string, defaultTtl = this.options.ttl): NodeCache {
    const known = this.#caches.get(namespace);
    if (known !== undefined) return known.cache.withDefaultTtl(defaultTtl);
    const own = this.#createCache(namespace, defaultTtl);
    this.#caches.set(namespace, own);
    return own.cache;
  }

  stats(): HyperCacheStats {
    const storage = this.#storage;
    const counters = Array.from(
      this.#caches,
      ([name, own]) => [name, { ...own.counters }] as const,
    );
    return {
      role: 'primary',
      historyId: storage.historyId,
      epoch: storage.epoch,
      revision: storage.revision,
      caches: Object.fromEntries(counters),
      l1: {
        entries: this.#budget.entries,
        bytes: this.#budget.bytes,
        evictions: this.#budget.evictions,
      },
      l2: {
        entries: storage.counts.total,
        ...storage.size(),
        walBytes: storage.walBytes(),
        evicted: this.#evictor.evicted,
        swept: this.#sweeper.swept,
      },
      queued: this.#queue.length,
      lockWaiters: this.#leases.waiting,
      incidents: this.#incidents.count,
    };
  }

  on<E extends HyperCacheEvent>(event: E, listener: HyperCacheListener<E>): void {
    this.#events.on(event, listener);
  }

  off<E extends HyperCacheEvent>(event: E, listener: HyperCacheListener<E>): void {
    this.#events.off(event, listener);
  }

  #createCache(namespace: string, defaultTtl: number): OwnCache {
    const { options, clock } = this;
    const { isolation, maxValueSize } = options;
    const storage = this.#storage;
    const l1 = options.l1 === false ? undefined : new L1(this.#budget, clock);
    const pending = new PendingWrites();
    const counters = zeroCounters();
    const drain = (): Promise<void> => this.#queue.drain();
    const reads = new TieredCache({
      namespace,
      storage,
      l1,
      pending,
      counters,
      isolation,
      clock,
      onReadError: (error, cause) => this.#onReadError(error, cause),
    });
    const writes = new CacheWriter({
      namespace,
      queue: this.#queue,
      l1,
      pending,
      counters,
      isolation,
      maxValueBytes: maxValueSize,
      relaxed: options.durability === 'relaxed',
      onLostWrite: (error) => this.#incidents.report(error, 'committing a relaxed write'),
      onCleared: (deleted) => this.#events.emit('clear', { namespace, deleted }),
    });
    const readThrough = new ReadThrough({
      cache: reads,
      writer: writes,
      counters,
      clock,
      maxValueBytes: maxValueSize,
      drain,
      revision: () => storage.revision,
      onSilentError: (error, during) => this.#incidents.report(error, during),
    });
    const cache = new PrimaryCache({
      namespace,
      defaultTtl,
      reads,
      writes,
      readThrough,
      clock,
      drain,
    });
    return { cache, l1, counters };
  }

  #ownerOf(namespaceId: number): OwnCache | undefined {
    const name = this.#storage.namespaces.nameOf(namespaceId);
    return name === undefined ? undefined : this.#caches.get(name);
  }

  #dropEvicted(rows: readonly RemovableRow[]): void {
    for (const row of rows) this.#ownerOf(row.namespace_id)?.l1?.delete(row.key);
    if (rows.length > 0) this.#events.emit('evicted', { entries: rows.length });
  }

  /** What other processes on the file have changed leaves memory. */
  #dropForeign(changes: readonly ChangeRow[] | undefined): void {
    if (changes === undefined) {
      for (const { l1 } of this.#caches.values()) l1?.clear();
      return;
    }
    for (const { namespace_id, kind, key } of changes) {
      // Deletions by prefix and by tag log each key as well. A cleared namespace is logged under its new id.
      const l1 = this.#ownerOf(namespace_id)?.l1;
      if (kind === ChangeKind.Clear) l1?.clear();
      else if (kind === ChangeKind.Key) l1?.delete(key);
    }
  }

  #onReadError(error: HyperCacheError, cause: unknown): void {
    this.#incidents.report(error, 'reading');
    if (isCorruption(cause)) this.#tryToRecover('corrupt');
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
      return false;
    }
    const error = new StorageLostError(
      'The database file was deleted or replaced while in use.',
      'Leave the files in sqlitePath alone while the application runs; to empty the cache, call clear().',
    );
    this.#incidents.report(error, 'watching the file');
    this.#tryToRecover('unlinked');
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
    for (const { l1 } of this.#caches.values()) l1?.clear();
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
