import { ClosedError, StorageLostError } from '../common/errors.js';
import type { HyperCacheEvent, HyperCacheListener } from '../common/events.js';
import { Signal } from '../common/signal.js';
import { LockFactory } from '../locks/lock-factory.js';
import type { PrimaryClient } from '../cluster/wire/primary-client.js';
import { RemoteClock } from '../common/remote-clock.js';
import { RemoteLeases } from '../cluster/leases/remote-leases.js';
import { RemoteL2 } from '../cluster/replica/remote-l2.js';
import { RemoteReads } from '../cluster/replica/remote-reads.js';
import { ReplicaL2 } from '../cluster/replica/replica-l2.js';
import type { Listing } from '../engine/listing.js';
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
import { Namespaces } from './namespaces.js';
import type { NodeContext } from './node-context.js';
import { NoReplica } from '../cluster/replica/no-replica.js';
import type { ReplicaSource } from '../cluster/replica/replica-source.js';
import { SharedReplica } from '../cluster/replica/shared-replica.js';
import { removeTemporaries } from './temporary-directory.js';
import { Runs } from './runs.js';
import { Throttles } from './throttles.js';

const SOURCES = { feed: FeedReplica, shared: SharedReplica, none: NoReplica } as const;

/**
 * A node that reads from the nearest copy, and sends its writes to the primary.
 *
 * @internal
 */
export class SecondaryNode implements HyperCacheNode {
  readonly locks: LockFactory;
  readonly throttles: Throttles;
  readonly runs: Runs;
  /** Undefined, because replicas follow only the primary. */
  readonly sync = undefined;
  readonly #namespaces: Namespaces;
  readonly #replica: ReplicaSource;
  readonly #writes: ForwardedWrites;
  readonly #leases: RemoteLeases;
  readonly #caches: LocalCaches;
  readonly #transitions = { connected: 0, lost: 0 };
  #isStarted = false;
  #closing: Promise<void> | undefined;

  constructor(
    private readonly context: NodeContext,
    private readonly client: PrimaryClient,
  ) {
    const { options, clock, random, events, incidents } = context;
    const primaryClock = new RemoteClock(clock);
    // Memory that is never trusted is not needed.
    const l1 = options.replica === 'none' ? false : options.l1;
    const namespaces = new Namespaces(l1, primaryClock, events);
    const newHistory = new Signal();
    const replica: ReplicaSource = new SOURCES[options.replica]({
      ...context,
      client,
      primaryClock,
      memory: namespaces,
      onNewHistory: newHistory.emit,
    });
    const writes = new ForwardedWrites({
      ...context,
      client,
      replica,
      restore: (command) => namespaces.restore(command),
    });
    const { queue } = writes;
    const remote = new RemoteReads(client, primaryClock, (position) => {
      if (!replica.isReady) replica.mustReach(position);
    });
    const leases = new RemoteLeases(queue, client, remote, clock, random);
    newHistory.on(() => {
      queue.forgetHistory();
      leases.loseAll(
        new StorageLostError(
          'The primary has begun a new history.',
          'Start the work over under a new lock.',
        ),
      );
    });
    events.on('replica:connected', () => {
      this.#transitions.connected++;
      queue.wake();
    });
    events.on('replica:lost', () => void this.#transitions.lost++);
    const onReadError = (error: unknown): void => replica.onReadError(toStorageError(error));
    const l2 = (namespace: string): L2 => {
      const primary = new RemoteL2(namespace, {
        remote,
        clock: primaryClock,
        isStale: () => replica.isStale,
        onReadError,
      });
      const local = replica.l2(namespace);
      return context.interception.l2(
        local === undefined ? primary : new ReplicaL2(local, primary, () => replica.isReady),
      );
    };
    this.#caches = new LocalCaches({
      options,
      namespaces,
      engine: {
        clock: primaryClock,
        queue,
        coherence: replica.coherence,
        l2,
        claims: (namespace) =>
          new LeaseClaims(namespace, { leases, l2: l2(namespace), random, isShared: () => true }),
      },
      events,
      random,
      isRelaxed: false,
      onReadError,
      onSilentError: (error, during) => incidents.report(toStorageError(error), during),
    });
    this.locks = new LockFactory(leases, clock, random, options.maxLockTtl);
    this.throttles = new Throttles({ queue, clock, incidents, isFar: true });
    this.runs = new Runs({ ...context, queue, locks: this.locks });
    this.#namespaces = namespaces;
    this.#replica = replica;
    this.#writes = writes;
    this.#leases = leases;
  }

  get listing(): Listing | undefined {
    return this.#replica.listing;
  }

  async start(): Promise<void> {
    try {
      this.#writes.open();
      removeTemporaries(this.context.options.sqlitePath);
      await this.#replica.start();
      this.#writes.adopt();
      this.#isStarted = true;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Everything else that waits here waits for the primary. */
  async runDue(): Promise<void> {
    this.#leases.runDue();
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    await this.#caches.close();
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
    const { replica, ...stats } = this.#replica.stats();
    return {
      role: 'secondary',
      ...stats,
      replica: { ...replica, ...this.#transitions },
      ...this.#namespaces.stats(),
      queued: this.#writes.queue.length,
      lockWaiters: this.#leases.waiting,
      outbox: this.#writes.stats,
      incidents: this.context.incidents.count,
    };
  }

  health(): HyperCacheHealth {
    const common = {
      role: 'secondary',
      writes: undefined,
      queued: this.#writes.queue.length,
      incidents: this.context.incidents.recent,
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
    this.context.events.on(event, listener);
  }

  off<E extends HyperCacheEvent>(event: E, listener: HyperCacheListener<E>): void {
    this.context.events.off(event, listener);
  }
}
