import { CapabilityAbsentError } from '../common/server-errors.js';
import type { HyperCacheEvent, HyperCacheListener } from '../common/events.js';
import { HyperCacheError, StorageFailedError } from '../common/errors.js';
import { RemoteClock } from '../common/remote-clock.js';
import type { EngineOption, RunningEngine } from '../engine/engine-option.js';
import { LockFactory } from '../locks/lock-factory.js';
import type {
  BackupSummary,
  DeadLetterInfo,
  HyperCacheHealth,
  HyperCacheNode,
  HyperCacheStats,
  NodeCache,
} from './hyper-cache-node.js';
import { LocalCaches } from './local-caches.js';
import { Namespaces } from './namespaces.js';
import type { NodeContext } from './node-context.js';
import { Runs } from './runs.js';
import { Throttles } from './throttles.js';

/**
 * A node over an engine that itself orders the writes of all nodes: all nodes are equal.
 *
 * @internal
 */
export class EngineNode implements HyperCacheNode {
  readonly locks: LockFactory;
  readonly throttles: Throttles;
  readonly runs: Runs;
  readonly sync = undefined;
  readonly listing = undefined;
  readonly #engine: RunningEngine;
  readonly #namespaces: Namespaces;
  readonly #caches: LocalCaches;
  #isOpen = false;

  constructor(
    private readonly context: NodeContext,
    option: EngineOption,
  ) {
    const { options, random, logger, events, incidents } = context;
    const { maxLockTtl } = options;
    const clock = new RemoteClock(context.clock);
    const namespaces = new Namespaces(options.l1, clock, events);
    const engine = option.create({
      clock,
      random,
      logger,
      memory: namespaces,
      events,
      report: (error, during) => incidents.report(error, during),
      maxLockTtl,
    });
    const { queue } = engine;
    const onSilentError = (error: unknown, during: string): void =>
      incidents.report(
        error instanceof HyperCacheError ? error : new StorageFailedError(error),
        during,
      );
    this.#engine = engine;
    this.#namespaces = namespaces;
    this.#caches = new LocalCaches({
      options,
      namespaces,
      engine,
      events,
      random,
      isRelaxed: options.durability === 'relaxed',
      onReadError: (error) => onSilentError(error, 'reading'),
      onSilentError,
    });
    this.locks = new LockFactory(engine.leases, context.clock, random, maxLockTtl);
    this.throttles = new Throttles({ queue, clock, incidents, isFar: engine.isRemote });
    this.runs = new Runs({ ...context, clock, queue, locks: this.locks });
  }

  /** The entries are on the server: no node has them in a file, and no node orders the writes of others. */
  absent(what: string): CapabilityAbsentError {
    return new CapabilityAbsentError(
      `This engine has no ${what}.`,
      'See docs/redis.md for what an engine other than SQLite does instead.',
    );
  }

  async start(): Promise<void> {
    await this.#engine.start();
    this.#isOpen = true;
  }

  runDue(): Promise<void> {
    return this.#engine.runDue();
  }

  async close(): Promise<void> {
    this.#isOpen = false;
    await this.#caches.close();
    await this.#engine.close();
  }

  flush(): Promise<void> {
    return this.#engine.queue.drain();
  }

  cache(namespace: string, defaultTtl?: number): NodeCache {
    return this.#caches.cache(namespace, defaultTtl);
  }

  /** Without an outbox no write is refused after it was accepted. */
  deadLetters(): readonly DeadLetterInfo[] {
    return [];
  }

  stats(): HyperCacheStats {
    return {
      role: 'primary',
      historyId: '',
      epoch: 0,
      revision: 0,
      l2: { entries: 0, usedBytes: 0, fileBytes: 0, walBytes: 0, evicted: 0, swept: 0 },
      ...this.#namespaces.stats(),
      ...this.#engine.stats(),
      queued: this.#engine.queue.length,
      incidents: this.context.incidents.count,
    };
  }

  health(): HyperCacheHealth {
    return {
      role: 'primary',
      isOpen: this.#isOpen,
      writes: this.#engine.isOpen ? undefined : 'HC_SERVER_UNREACHABLE',
      queued: this.#engine.queue.length,
      incidents: this.context.incidents.recent,
      position: undefined,
    };
  }

  async backup(): Promise<BackupSummary> {
    throw this.absent('file to back up');
  }

  on<E extends HyperCacheEvent>(event: E, listener: HyperCacheListener<E>): void {
    this.context.events.on(event, listener);
  }

  off<E extends HyperCacheEvent>(event: E, listener: HyperCacheListener<E>): void {
    this.context.events.off(event, listener);
  }
}
