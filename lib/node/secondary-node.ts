import type { Clock } from '../common/clock.js';
import { decodeValue } from '../common/codec.js';
import {
  ClosedError,
  ReplicaBehindError,
  StorageLostError,
  type HyperCacheError,
} from '../common/errors.js';
import { CacheEvents, type HyperCacheEvent, type HyperCacheListener } from '../common/events.js';
import { IncidentLog } from '../common/incident-log.js';
import type { HyperCacheLogger } from '../common/logger.js';
import type { Random } from '../common/random.js';
import { FillClaims } from '../locks/fill-claims.js';
import { LockFactory } from '../locks/lock-factory.js';
import { malformed } from '../replication/fields.js';
import { ForwardQueue } from '../replication/forward-queue.js';
import { Outbox, type Target } from '../replication/outbox.js';
import type { PrimaryClient } from '../replication/primary-client.js';
import { PrimaryClock } from '../replication/primary-clock.js';
import { RemoteLeases } from '../replication/remote-leases.js';
import { RemoteReads } from '../replication/remote-reads.js';
import { OutboxFile } from '../storage/outbox-file.js';
import { toStorageError } from '../storage/sqlite-error.js';
import { FedReplica } from './fed-replica.js';
import type {
  BackupSummary,
  DeadLetterInfo,
  HyperCacheNode,
  HyperCacheStats,
  NodeCache,
} from './hyper-cache-node.js';
import { LocalCaches } from './local-caches.js';
import { NoReplica } from './no-replica.js';
import type { ResolvedOptions } from './options.js';
import { OutboxAdopter } from './outbox-adopter.js';
import type { ReplicaHost } from './replica-host.js';
import { ReplicaReads } from './replica-reads.js';
import { SharedReplica } from './shared-replica.js';
import { removeTemporaries } from './temporary-directory.js';

const HOSTS = { feed: FedReplica, shared: SharedReplica, none: NoReplica } as const;

/** How long `flush` waits when nothing is said. */
const FLUSH_TIMEOUT_MS = 10_000;

/**
 * A node that reads from what is near, and sends what it writes to the primary.
 *
 * @internal
 */
export class SecondaryNode implements HyperCacheNode {
  readonly locks: LockFactory;
  /** Nothing: replicas follow the primary alone. */
  readonly sync = undefined;
  readonly #replica: ReplicaHost;
  readonly #outboxFile: OutboxFile;
  readonly #outbox: Outbox;
  readonly #queue: ForwardQueue;
  readonly #adopter: OutboxAdopter;
  readonly #leases: RemoteLeases;
  readonly #caches: LocalCaches;
  readonly #events = new CacheEvents();
  readonly #incidents: IncidentLog;
  readonly #transitions = { connected: 0, lost: 0 };
  #isClosed = false;

  constructor(
    private readonly options: ResolvedOptions,
    private readonly client: PrimaryClient,
    clock: Clock,
    random: Random,
    private readonly logger: HyperCacheLogger,
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
    const createFile = (): OutboxFile =>
      new OutboxFile({
        directory: options.sqlitePath,
        fullSync: options.durability === 'full',
        clock,
        random,
      });
    const createOutbox = (file: OutboxFile): Outbox =>
      new Outbox({
        file,
        maxEntries: options.outboxMaxEntries,
        maxBytes: options.outboxMaxBytes,
        limits: options,
        onUnreadable: (error) => incidents.report(error, 'reading the outbox'),
      });
    const createQueue = (outbox: Outbox): ForwardQueue =>
      new ForwardQueue({
        client,
        replica,
        random,
        timeoutMs: options.timeout,
        outbox,
        accepts: options.asyncRequests,
        blocksWhenFull: options.outboxFull === 'block',
        onRefused: (target, error) => this.#onRefused(target, error),
        onError: (error, during) => incidents.report(error, during),
      });
    this.#outboxFile = createFile();
    this.#outbox = createOutbox(this.#outboxFile);
    this.#queue = createQueue(this.#outbox);
    this.#adopter = new OutboxAdopter({
      directory: options.sqlitePath,
      own: () => this.#outboxFile.number,
      createFile,
      createOutbox,
      createQueue,
      onAdopted: (writes) =>
        logger.log(`Sending ${writes} writes that another process of this node has left.`),
      onError: (error) => incidents.report(toStorageError(error), 'adopting an outbox'),
    });
    events.on('replica:connected', () => {
      this.#transitions.connected++;
      this.#queue.wake();
    });
    events.on('replica:lost', () => void this.#transitions.lost++);
    const remote = new RemoteReads(client, primaryClock, (position) => {
      if (!replica.isReady) replica.mustReach(position);
    });
    this.#leases = new RemoteLeases(this.#queue, client, remote, clock, random);
    this.locks = new LockFactory(this.#leases, clock, random, options.maxLockTtl);
    const { storage } = replica;
    this.#caches = new LocalCaches({
      options,
      storage,
      coherence: replica.coherence,
      queue: this.#queue,
      clock: primaryClock,
      claims: new FillClaims(this.#leases, clock, random, () => true),
      events,
      incidents,
      isReplica: true,
      readsOf: (local, namespace, counters, pending) =>
        new ReplicaReads({
          namespace,
          local,
          remote,
          pending,
          isReady: () => replica.isReady,
          isStale: () => replica.isStale,
          counters,
          events,
          onReadError: (error: HyperCacheError) => incidents.report(error, 'reading'),
        }),
      revision: () => (replica.isReady ? storage.revision : remote.revision),
      onReadError: (error, cause) => replica.onReadError(error, cause),
    });
  }

  async start(): Promise<void> {
    try {
      this.#openOutbox();
      removeTemporaries(this.options.sqlitePath);
      await this.#replica.start();
      this.#adopter.start();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** What an earlier process has left is seen by reads from here on, and is sent first. */
  #openOutbox(): void {
    this.#outboxFile.open();
    const { quarantined } = this.#outboxFile;
    if (quarantined !== undefined) this.#announceLoss(quarantined);
    const left = this.#outbox.load((command) => {
      if (command.kind !== 'set' && command.kind !== 'delete') throw malformed(command.kind);
      return this.#caches.restore(command);
    });
    this.#queue.resume(left);
  }

  #announceLoss(quarantined: string): void {
    this.logger.warn(
      `The outbox was damaged: writes that the primary did not yet have may be lost. It was kept as ${quarantined}.`,
    );
    this.#events.emit('recovered', { reason: 'corrupt', quarantined });
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await Promise.all([this.#adopter.stop(), this.#queue.close()]);
    this.#replica.stop();
    this.#leases.loseAll(new ClosedError());
    this.client.close();
    this.#outboxFile.close();
  }

  async flush(timeoutMs = FLUSH_TIMEOUT_MS): Promise<void> {
    if (await this.#queue.flush(timeoutMs)) return;
    throw this.#queue.lost ?? new ReplicaBehindError(timeoutMs);
  }

  deadLetters(limit: number): readonly DeadLetterInfo[] {
    return this.#outbox.deadLetters(limit).flatMap(({ at, code, message, command }) => {
      if (command.kind !== 'set' && command.kind !== 'delete') return [];
      const { kind, namespace, key } = command;
      const value = command.kind === 'set' ? decodeValue(command.value) : undefined;
      return [{ at, code, message, kind, namespace, key, value }];
    });
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
      queued: this.#queue.length,
      lockWaiters: this.#leases.waiting,
      outbox: {
        entries: this.#outbox.entries,
        bytes: this.#outbox.bytes,
        deadLetters: this.#outbox.deadLetterCount,
      },
      incidents: this.#incidents.count,
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

  #onRefused({ namespace, key }: Target, error: HyperCacheError): void {
    this.#events.emit('outbox:refused', { namespace, key, error });
    this.#incidents.report(error, 'sending an asynchronous write');
  }

  #onNewHistory(): void {
    this.#queue.forgetHistory();
    this.#leases.loseAll(
      new StorageLostError(
        'The primary has begun a new history.',
        'Start the work over under a new lock.',
      ),
    );
  }
}
