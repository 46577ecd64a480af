import { RoleMismatchError } from '../common/errors.js';
import type { HyperCacheEvent, HyperCacheListener } from '../common/events.js';
import { ANCESTORS_META_KEY } from '../cluster/failover/ancestry.js';
import { readSuperseded } from '../cluster/failover/takeover.js';
import type { PrimaryEndpoint } from '../cluster/feed/primary-endpoint.js';
import { executeOrphaned } from '../cluster/forward/execute-orphaned.js';
import { SOURCE_META_KEY, type PrimaryAddress } from '../cluster/replica/replica-meta.js';
import type { PrimaryClient } from '../cluster/wire/primary-client.js';
import type { LockFactory } from '../locks/lock-factory.js';
import type { FileListing } from '../sqlite/file-listing.js';
import type {
  BackupSummary,
  DeadLetterInfo,
  HyperCacheNode,
  HyperCacheHealth,
  HyperCacheStats,
  NodeCache,
} from './hyper-cache-node.js';
import { primaryParts } from './primary-parts.js';
import type { NodeContext } from './node-context.js';
import type { Runs } from './runs.js';
import { removeTemporaries } from './temporary-directory.js';
import type { Throttles } from './throttles.js';

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
  readonly #parts: ReturnType<typeof primaryParts>;

  /** @param clientFor makes a client for another primary */
  constructor(
    private readonly context: NodeContext,
    clientFor?: (primary: PrimaryAddress) => PrimaryClient,
  ) {
    this.#parts = primaryParts(context, clientFor);
    const { locks, throttles, runs, sync, listing } = this.#parts;
    this.locks = locks;
    this.throttles = throttles;
    this.runs = runs;
    this.sync = sync;
    this.listing = listing;
  }

  async start(): Promise<void> {
    this.#parts.storage.open();
    this.#refuseForeign();
    removeTemporaries(this.context.options.sqlitePath);
    this.#parts.care.announceQuarantine();
    this.#parts.coherence.start();
    this.#parts.maintenance.start();
    if (this.#parts.storage.readMeta(ANCESTORS_META_KEY) !== undefined) {
      // A promoted node has accepted writes that its primary never received.
      await executeOrphaned({ ...this.context, queue: this.#parts.queue });
    }
    this.#parts.failover.notifyFormerPrimary();
  }

  /**
   * Refuses a file of another node: a replica continues in its primary's history, and a superseded file in that of another
   * node.
   */
  #refuseForeign(): void {
    const storage = this.#parts.storage;
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

  async runDue(): Promise<void> {
    const { feed, sync, queue, leases, maintenance } = this.#parts;
    // First, because a listener would take the jump for silence.
    feed.beat();
    sync.beat();
    await queue.drain();
    await leases.runDue();
    await maintenance.runDue();
  }

  async close(): Promise<void> {
    await this.#parts.caches.close();
    this.#parts.failover.stop();
    this.#parts.feed.end('the primary stops');
    this.#parts.maintenance.stop();
    this.#parts.coherence.stop();
    this.#parts.leases.close();
    this.#parts.storage.beginStop();
    this.#parts.queue.close();
    this.#parts.storage.close();
  }

  flush(): Promise<void> {
    return this.#parts.queue.drain();
  }

  /** Its own writes need no other node. */
  deadLetters(): readonly DeadLetterInfo[] {
    return [];
  }

  cache(namespace: string, defaultTtl?: number): NodeCache {
    return this.#parts.caches.cache(namespace, defaultTtl);
  }

  stats(): HyperCacheStats {
    const storage = this.#parts.storage;
    return {
      role: 'primary',
      historyId: storage.historyId,
      epoch: storage.epoch,
      revision: storage.revision,
      ...this.#parts.namespaces.stats(),
      l2: {
        entries: storage.counts.total,
        ...storage.size(),
        walBytes: storage.walBytes(),
        maxBytes: this.context.options.maxSize,
        checkpoints: storage.checkpoints,
        evicted: this.#parts.evictor.evicted,
        swept: this.#parts.sweeper.swept,
      },
      queued: this.#parts.queue.length,
      locksHeld: this.#parts.leases.countHeld(),
      lockWaiters: this.#parts.leases.waiting,
      incidents: this.context.incidents.count,
      replicas: this.#parts.feed.replicas.map(({ replicaId, revision, snapshot, buffered }) => ({
        id: replicaId,
        revision,
        lag: storage.revision - revision,
        snapshot,
        bufferedBytes: buffered,
      })),
    };
  }

  health(): HyperCacheHealth {
    const storage = this.#parts.storage;
    return {
      role: 'primary',
      isOpen: storage.isOpen,
      writes: this.#parts.queue.failure,
      queued: this.#parts.queue.length,
      incidents: this.context.incidents.recent,
      position: storage.isOpen
        ? { historyId: storage.historyId, epoch: storage.epoch, revision: storage.revision }
        : undefined,
    };
  }

  async backup(path: string): Promise<BackupSummary> {
    await this.#parts.queue.drain();
    return this.#parts.storage.backUp(path);
  }

  on<E extends HyperCacheEvent>(event: E, listener: HyperCacheListener<E>): void {
    this.context.events.on(event, listener);
  }

  off<E extends HyperCacheEvent>(event: E, listener: HyperCacheListener<E>): void {
    this.context.events.off(event, listener);
  }
}
