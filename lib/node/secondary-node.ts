import type { Clock } from '../common/clock.js';
import { ClosedError, StorageLostError } from '../common/errors.js';
import { CacheEvents, type HyperCacheEvent, type HyperCacheListener } from '../common/events.js';
import { IncidentLog } from '../common/incident-log.js';
import type { HyperCacheLogger } from '../common/logger.js';
import type { Random } from '../common/random.js';
import { LockFactory } from '../locks/lock-factory.js';
import type { PrimaryClient } from '../cluster/wire/primary-client.js';
import { PrimaryClock } from '../cluster/replica/primary-clock.js';
import { RemoteLeases } from '../cluster/leases/remote-leases.js';
import { RemoteL2 } from '../cluster/replica/remote-l2.js';
import { RemoteReads } from '../cluster/replica/remote-reads.js';
import { ReplicaL2 } from '../cluster/replica/replica-l2.js';
import type { L2 } from '../engine/l2.js';
import { LeaseClaims } from '../sqlite/lease-claims.js';
import { toStorageError } from '../sqlite/sqlite-error.js';
import { FeedReplica } from '../cluster/replica/feed-replica.js';
import { ForwardedWrites } from '../cluster/forward/forwarded-writes.js';
import type {
  BackupSummary,
  DeadLetterInfo,
  HyperCacheNode,
  HyperCacheHealth,
  HyperCacheStats,
  NodeCache,
} from './hyper-cache-node.js';
import { LocalCaches } from './local-caches.js';
import { NoReplica } from '../cluster/replica/no-replica.js';
import type { ResolvedOptions } from './options.js';
import type { ReplicaSource } from '../cluster/replica/replica-source.js';
import { SharedReplica } from '../cluster/replica/shared-replica.js';
import { removeTemporaries } from './temporary-directory.js';
import { Throttles } from './throttles.js';

const HOSTS = { feed: FeedReplica, shared: SharedReplica, none: NoReplica } as const;

/**
 * A node that reads from what is near, and sends what it writes to the primary.
 *
 * @internal
 */
export class SecondaryNode implements HyperCacheNode {
  readonly locks: LockFactory;
  readonly throttles: Throttles;
  /** Nothing: replicas follow the primary alone. */
  readonly sync = undefined;
  readonly #replica: ReplicaSource;
  readonly #writes: ForwardedWrites;
  readonly #leases: RemoteLeases;
  readonly #caches: LocalCaches;
  readonly #events = new CacheEvents();
  readonly #incidents: IncidentLog;
  readonly #transitions = { connected: 0, lost: 0 };
  #isStarted = false;
  #closing: Promise<void> | undefined;

  constructor(
    private readonly options: ResolvedOptions,
    private readonly client: PrimaryClient,
    clock: Clock,
    random: Random,
    logger: HyperCacheLogger,
  ) {
    const primaryClock = new PrimaryClock(clock);
    const events = this.#events;
    const incidents = new IncidentLog(events, logger, clock);
    this.#incidents = incidents;
    const replica = new HOSTS[options.replica]({
      options,
      client,
      clock,
      primaryClock,
      random,
      logger,
      events,
      incidents,
      caches: () => this.#caches,
      onNewHistory: () => this.#onNewHistory(),
    });
    this.#replica = replica;
    this.#writes = new ForwardedWrites({
      options,
      client,
      replica,
      clock,
      random,
      logger,
      events,
      incidents,
      restore: (command) => this.#caches.restore(command),
    });
    const { queue } = this.#writes;
    events.on('replica:connected', () => {
      this.#transitions.connected++;
      queue.wake();
    });
    events.on('replica:lost', () => void this.#transitions.lost++);
    const remote = new RemoteReads(client, primaryClock, (position) => {
      if (!replica.isReady) replica.mustReach(position);
    });
    this.#leases = new RemoteLeases(queue, client, remote, clock, random);
    this.locks = new LockFactory(this.#leases, clock, random, options.maxLockTtl);
    const leases = this.#leases;
    this.throttles = new Throttles({ queue, clock, incidents, isFar: true });
    const onReadError = (error: unknown): void => replica.onReadError(toStorageError(error));
    const l2 = (namespace: string): L2 => {
      const primary = new RemoteL2(namespace, {
        remote,
        clock: primaryClock,
        isStale: () => replica.isStale,
        onReadError,
      });
      const local = replica.l2(namespace);
      return local === undefined ? primary : new ReplicaL2(local, primary, () => replica.isReady);
    };
    this.#caches = new LocalCaches({
      // Memory that is never trusted need not be there.
      options: options.replica === 'none' ? { ...options, l1: false } : options,
      engine: {
        clock: primaryClock,
        queue,
        coherence: replica.coherence,
        l2,
        claims: (namespace) =>
          new LeaseClaims(namespace, { leases, l2: l2(namespace), random, isShared: () => true }),
      },
      events,
      isRelaxed: false,
      onReadError,
      onSilentError: (error, during) => incidents.report(toStorageError(error), during),
    });
  }

  async start(): Promise<void> {
    try {
      this.#writes.open();
      removeTemporaries(this.options.sqlitePath);
      await this.#replica.start();
      this.#writes.adopt();
      this.#isStarted = true;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    await this.#writes.stop();
    this.#replica.stop();
    this.#leases.loseAll(new ClosedError());
    this.client.close();
    this.#writes.close();
  }

  flush(timeoutMs?: number): Promise<void> {
    return this.#writes.flush(timeoutMs);
  }

  deadLetters(limit: number): readonly DeadLetterInfo[] {
    return this.#writes.deadLetters(limit);
  }

  cache(namespace: string, defaultTtl?: number): NodeCache {
    return this.#caches.cache(namespace, defaultTtl);
  }

  stats(): HyperCacheStats {
    const { budget } = this.#caches;
    const { replica, ...stats } = this.#replica.stats();
    return {
      role: 'secondary',
      ...stats,
      replica: { ...replica, ...this.#transitions },
      caches: this.#caches.stats(),
      ratios: this.#caches.ratios(),
      l1: { entries: budget.entries, bytes: budget.bytes, evictions: budget.evictions },
      queued: this.#writes.queue.length,
      lockWaiters: this.#leases.waiting,
      outbox: this.#writes.stats,
      incidents: this.#incidents.count,
    };
  }

  health(): HyperCacheHealth {
    const common = {
      role: 'secondary',
      writes: undefined,
      queued: this.#writes.queue.length,
      incidents: this.#incidents.recent,
    } as const;
    const isOpen = this.#isStarted && this.#closing === undefined;
    if (!isOpen) return { ...common, isOpen, position: undefined };
    const { replica, historyId, epoch, revision } = this.#replica.stats();
    const { isReady, isConnected, isStale, lag, lagMs } = replica;
    return {
      ...common,
      isOpen,
      position: { historyId, epoch, revision },
      replica: { isReady, isConnected, isStale, lag, lagMs },
      outbox: this.#writes.stats,
    };
  }

  async backup(path: string): Promise<BackupSummary> {
    return this.#replica.backup(path);
  }

  on<E extends HyperCacheEvent>(event: E, listener: HyperCacheListener<E>): void {
    this.#events.on(event, listener);
  }

  off<E extends HyperCacheEvent>(event: E, listener: HyperCacheListener<E>): void {
    this.#events.off(event, listener);
  }

  #onNewHistory(): void {
    this.#writes.queue.forgetHistory();
    this.#leases.loseAll(
      new StorageLostError(
        'The primary has begun a new history.',
        'Start the work over under a new lock.',
      ),
    );
  }
}
