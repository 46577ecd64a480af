import { systemClock, type Clock } from '../../../lib/common/clock.js';
import { CacheEvents } from '../../../lib/common/events.js';
import { IncidentLog } from '../../../lib/common/incident-log.js';
import { systemRandom } from '../../../lib/common/random.js';
import { LockFactory } from '../../../lib/locks/lock-factory.js';
import type {
  BackupSummary,
  HyperCacheNode,
  HyperCacheHealth,
  HyperCacheStats,
  NodeCache,
} from '../../../lib/node/hyper-cache-node.js';
import { LocalCaches } from '../../../lib/node/local-caches.js';
import { Namespaces } from '../../../lib/node/namespaces.js';
import { Runs } from '../../../lib/node/runs.js';
import { Throttles } from '../../../lib/node/throttles.js';
import type { ResolvedOptions } from '../../../lib/node/options.js';
import { MemoryEngine, MemoryServer } from './memory-engine.js';

const SILENT = { log: () => undefined, warn: () => undefined, error: () => undefined };

/** A node on the engine in memory: the tiers and the locks of every node, over another engine. */
export class MemoryNode implements HyperCacheNode {
  readonly locks: LockFactory;
  readonly throttles: Throttles;
  readonly runs: Runs;
  readonly sync = undefined;
  readonly listing = undefined;
  readonly engine: MemoryEngine;
  readonly #events = new CacheEvents();
  readonly #incidents: IncidentLog;
  readonly #namespaces: Namespaces;
  readonly #caches: LocalCaches;
  readonly on = this.#events.on.bind(this.#events);
  readonly off = this.#events.off.bind(this.#events);

  constructor(
    options: ResolvedOptions,
    { isFar = false, clock = systemClock, server = new MemoryServer(clock) }: MemoryNodeParts = {},
  ) {
    const events = this.#events;
    const incidents = new IncidentLog(events, SILENT, clock);
    const onSilentError = (error: unknown, during: string): void =>
      incidents.report(error as Parameters<typeof incidents.report>[0], during);
    this.#incidents = incidents;
    this.engine = new MemoryEngine(server, isFar);
    this.#namespaces = new Namespaces(options.l1, clock, events);
    this.#caches = new LocalCaches({
      options,
      namespaces: this.#namespaces,
      engine: this.engine,
      events,
      random: systemRandom,
      isRelaxed: options.durability === 'relaxed',
      onReadError: (error) => onSilentError(error, 'reading'),
      onSilentError,
    });
    server.listeners.push(this.#namespaces);
    const { queue } = this.engine;
    this.throttles = new Throttles({ queue, clock, incidents, isFar: false });
    this.locks = new LockFactory(server.leases, clock, systemRandom, options.maxLockTtl);
    const { locks } = this;
    const random = systemRandom;
    this.runs = new Runs({ queue, locks, clock, random, events, incidents, logger: SILENT });
  }

  cache(namespace: string, defaultTtl?: number): NodeCache {
    return this.#caches.cache(namespace, defaultTtl);
  }

  async start(): Promise<void> {
    // There is nothing to open.
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
      historyId: 'memory',
      epoch: 1,
      revision: 0,
      ...this.#namespaces.stats(),
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
      position: { historyId: 'memory', epoch: 1, revision: 0 },
    };
  }

  async backup(): Promise<BackupSummary> {
    throw new Error('There is no file.');
  }
}

export interface MemoryNodeParts {
  /** Answers come in a later turn. */
  readonly isFar?: boolean;
  readonly clock?: Clock | undefined;
  /** Shared with other nodes. */
  readonly server?: MemoryServer;
}
