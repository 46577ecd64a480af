import { BackupFailedError } from '../common/errors.js';
import { CacheEvents } from '../common/events.js';
import { IncidentLog } from '../common/incident-log.js';
import { silentLogger } from '../common/logger.js';
import { systemRandom, type Random } from '../common/random.js';
import type { CommandQueue } from '../engine/command-queue.js';
import type { Engine } from '../engine/engine.js';
import type { LeaseService } from '../engine/lease-service.js';
import { LockFactory } from '../locks/lock-factory.js';
import type {
  BackupSummary,
  HyperCacheHealth,
  HyperCacheNode,
  HyperCacheStats,
  NodeCache,
} from '../node/hyper-cache-node.js';
import { LocalCaches } from '../node/local-caches.js';
import { Namespaces } from '../node/namespaces.js';
import type { ResolvedOptions } from '../node/options.js';
import { Runs } from '../node/runs.js';
import { Throttles } from '../node/throttles.js';
import { toStorageError } from '../sqlite/sqlite-error.js';

/** An engine without a file. @internal */
export interface EngineInMemory extends Engine {
  readonly queue: CommandQueue & { readonly length: number; close(): void };
  readonly leases: LeaseService & { readonly waiting: number };
}

const POSITION = { historyId: 'memory', epoch: 1, revision: 0 } as const;

/**
 * A node over an engine that needs no file: the tiers and the locks of every node.
 *
 * @internal
 */
export class EngineNode implements HyperCacheNode {
  readonly locks: LockFactory;
  readonly throttles: Throttles;
  readonly runs: Runs;
  readonly sync = undefined;
  readonly listing = undefined;
  protected readonly namespaces: Namespaces;
  readonly #events = new CacheEvents();
  readonly #incidents: IncidentLog;
  readonly #caches: LocalCaches;
  readonly on = this.#events.on.bind(this.#events);
  readonly off = this.#events.off.bind(this.#events);

  constructor(
    options: ResolvedOptions,
    private readonly engine: EngineInMemory,
    random: Random = systemRandom,
  ) {
    const { queue, leases, clock } = engine;
    const events = this.#events;
    const incidents = new IncidentLog(events, silentLogger, clock);
    const onSilentError = (error: unknown, during: string): void =>
      incidents.report(toStorageError(error), during);
    this.#incidents = incidents;
    this.namespaces = new Namespaces(options.l1, clock, events);
    this.#caches = new LocalCaches({
      options,
      namespaces: this.namespaces,
      engine,
      events,
      random,
      isRelaxed: options.durability === 'relaxed',
      onReadError: (error) => onSilentError(error, 'reading'),
      onSilentError,
    });
    this.throttles = new Throttles({ queue, clock, incidents, isFar: false });
    const locks = new LockFactory(leases, clock, random, options.maxLockTtl);
    this.locks = locks;
    this.runs = new Runs({ queue, locks, clock, random, events, incidents, logger: silentLogger });
  }

  cache(namespace: string, defaultTtl?: number): NodeCache {
    return this.#caches.cache(namespace, defaultTtl);
  }

  async start(): Promise<void> {
    // There is nothing to open.
  }

  async runDue(): Promise<void> {
    // An engine in memory has no work in the background.
  }

  async close(): Promise<void> {
    await this.#caches.close();
    this.engine.queue.close();
  }

  flush(): Promise<void> {
    return this.engine.queue.drain();
  }

  deadLetters(): [] {
    return [];
  }

  stats(): HyperCacheStats {
    return {
      role: 'primary',
      ...POSITION,
      ...this.namespaces.stats(),
      l2: { entries: 0, usedBytes: 0, fileBytes: 0, walBytes: 0, evicted: 0, swept: 0 },
      queued: this.engine.queue.length,
      lockWaiters: this.engine.leases.waiting,
      incidents: this.#incidents.count,
    };
  }

  health(): HyperCacheHealth {
    return {
      role: 'primary',
      isOpen: true,
      writes: undefined,
      queued: this.engine.queue.length,
      incidents: this.#incidents.recent,
      position: POSITION,
    };
  }

  /** @throws {HC_BACKUP_FAILED} */
  async backup(): Promise<BackupSummary> {
    throw new BackupFailedError(
      'This node has no file.',
      'Use HyperCacheTestingModule.forTest() where a test needs one.',
    );
  }
}
