import { CacheWriter } from '../cache/cache-writer.js';
import { PendingValue, PendingWrites } from '../cache/pending-writes.js';
import { ReadThrough } from '../cache/read-through.js';
import { TieredCache } from '../cache/tiered-cache.js';
import type { ForwardedCommand } from '../cluster/wire/command-codec.js';
import { InvalidArgumentError } from '../common/errors.js';
import type { CacheEvents } from '../common/events.js';
import { MAX_NAMESPACES } from '../common/limits.js';
import {
  hitRatios,
  zeroCounters,
  type CacheCounters,
  type CacheStats,
  type HitRatios,
} from '../engine/cache-stats.js';
import type { QueuedWrite } from '../engine/command-queue.js';
import type { Command, CommandResult, DeleteCommand, SetCommand } from '../engine/command.js';
import type { Engine } from '../engine/engine.js';
import type { MemoryListener } from '../engine/memory-coherence.js';
import { L1 } from '../memory/l1.js';
import { L1Budget } from '../memory/l1-budget.js';
import { decodeValue } from '../value/codec.js';
import { NamedCache } from './named-cache.js';
import type { ResolvedOptions } from './options.js';

/** @internal */
export interface LocalCachesParts {
  readonly options: Pick<ResolvedOptions, 'ttl' | 'l1' | 'isolation' | 'maxValueSize'>;
  readonly engine: Omit<Engine, 'leases'>;
  readonly events: CacheEvents;
  /** `set` and `del` resolve before their commit. */
  readonly isRelaxed: boolean;
  /** A read that failed: it is a miss. */
  readonly onReadError: (error: unknown) => void;
  /** What no caller is told. */
  readonly onSilentError: (error: unknown, during: string) => void;
}

/** One namespace of a node. @internal */
export interface LocalCache {
  readonly cache: NamedCache;
  readonly l1: L1 | undefined;
  readonly pending: PendingWrites;
  readonly counters: CacheCounters;
}

/**
 * The named caches of a node, on whatever engine, and what they have in memory.
 *
 * @internal
 */
export class LocalCaches implements MemoryListener {
  readonly budget: L1Budget;
  readonly #caches = new Map<string, LocalCache>();

  constructor(private readonly parts: LocalCachesParts) {
    const { l1 } = parts.options;
    this.budget = l1 === false ? new L1Budget(0, 0) : new L1Budget(l1.maxEntries, l1.maxBytes);
  }

  cache(namespace: string, defaultTtl = this.parts.options.ttl): NamedCache {
    const known = this.#caches.get(namespace);
    if (known !== undefined) return known.cache.withDefaultTtl(defaultTtl);
    if (this.#caches.size >= MAX_NAMESPACES) {
      throw new InvalidArgumentError(
        `This node uses ${MAX_NAMESPACES} namespaces already.`,
        'Let what differs stand in the keys: a namespace is kept in memory as long as the node runs.',
      );
    }
    const own = this.#create(namespace, defaultTtl);
    this.#caches.set(namespace, own);
    return own.cache;
  }

  /**
   * A write that an earlier process has accepted: until it is done, reads of this node see it.
   *
   * @returns what is to be told of its end
   */
  restore(command: SetCommand | DeleteCommand): QueuedWrite<Command, CommandResult> {
    const { namespace, key } = command;
    this.cache(namespace);
    const pending = this.#caches.get(namespace)?.pending;
    const entry =
      command.kind === 'set'
        ? new PendingValue(decodeValue(command.value), command.expiresAt, command.freshUntil)
        : new PendingValue(undefined, 0);
    pending?.put(key, entry);
    return {
      command,
      bytes: 0,
      committed: () => pending?.settle(key, entry),
      failed: () => pending?.abandon(key, entry),
      accepted: undefined,
    };
  }

  /** By namespace. */
  stats(): Record<string, CacheStats> {
    return Object.fromEntries(
      Array.from(this.#caches, ([name, { counters }]) => [
        name,
        { ...counters, ratios: hitRatios([counters]) },
      ]),
    );
  }

  /** Of all caches together. */
  ratios(): HitRatios {
    return hitRatios(Array.from(this.#caches.values(), ({ counters }) => counters));
  }

  /** Whether memory holds an entry that was read of late. */
  isHot(namespace: string | undefined, key: string): boolean {
    return namespace !== undefined && this.#l1Of(namespace)?.isHot(key) === true;
  }

  changed(namespace: string, key: string): void {
    this.#l1Of(namespace)?.delete(key);
  }

  cleared(namespace: string): void {
    this.#l1Of(namespace)?.clear();
  }

  lost(): void {
    for (const { l1 } of this.#caches.values()) l1?.clear();
  }

  /** Another node is to write: no later write of this node may be merged into one that came before. */
  raiseBarrier(command: ForwardedCommand): void {
    if ('namespace' in command) this.#caches.get(command.namespace)?.pending.raiseBarrier();
  }

  /** What another node has written leaves memory. */
  dropForwarded(command: ForwardedCommand, result: CommandResult): void {
    if (!('namespace' in command)) return;
    const { namespace } = command;
    if ('key' in command) this.changed(namespace, command.key);
    else if ('keys' in result) for (const key of result.keys) this.changed(namespace, key);
    else {
      this.cleared(namespace);
      if ('deleted' in result && typeof result.deleted === 'number') {
        this.parts.events.emit('clear', { namespace, deleted: result.deleted });
      }
    }
  }

  #l1Of(namespace: string): L1 | undefined {
    return this.#caches.get(namespace)?.l1;
  }

  #create(namespace: string, defaultTtl: number): LocalCache {
    const { options, engine, events, isRelaxed, onReadError, onSilentError } = this.parts;
    const { clock, queue, coherence } = engine;
    const { isolation, maxValueSize: maxValueBytes } = options;
    const l1 = options.l1 === false ? undefined : new L1(this.budget, clock);
    const l2 = engine.l2(namespace);
    const pending = new PendingWrites();
    const counters = zeroCounters();
    const common = { namespace, coherence, l1, pending, counters, events, isolation };
    const reads = new TieredCache({ ...common, l2, clock, onReadError });
    const writes = new CacheWriter({
      ...common,
      queue,
      maxValueBytes,
      relaxed: isRelaxed,
      onLostWrite: (error) => onSilentError(error, 'committing a relaxed write'),
    });
    const drain = (): Promise<void> => queue.drain();
    const readThrough = new ReadThrough({
      cache: reads,
      writer: writes,
      pending,
      counters,
      clock,
      maxValueBytes,
      drain,
      claims: engine.claims(namespace),
      onSilentError,
    });
    const cache = new NamedCache({
      namespace,
      defaultTtl,
      reads,
      l2,
      writes,
      readThrough,
      clock,
      drain,
      report: onSilentError,
    });
    return { cache, l1, pending, counters };
  }
}
