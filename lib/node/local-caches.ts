import type { MemoryCoherence } from '../cache/coherence.js';
import type { CacheReads } from '../cache/cache-reads.js';
import {
  hitRatios,
  zeroCounters,
  type CacheCounters,
  type CacheStats,
  type HitRatios,
} from '../engine/cache-stats.js';
import { CacheWriter } from '../cache/cache-writer.js';
import type { CommandQueue } from '../engine/command-queue.js';
import { PendingValue, PendingWrites } from '../cache/pending-writes.js';
import type { Command, CommandResult, DeleteCommand, SetCommand } from '../engine/command.js';
import { ReadThrough } from '../cache/read-through.js';
import { TieredCache } from '../cache/tiered-cache.js';
import type { Clock } from '../common/clock.js';
import { decodeValue } from '../value/codec.js';
import { InvalidArgumentError, type HyperCacheError } from '../common/errors.js';
import type { CacheEvents } from '../common/events.js';
import type { IncidentLog } from '../common/incident-log.js';
import type { FillClaims } from '../locks/fill-claims.js';
import { L1 } from '../memory/l1.js';
import { L1Budget } from '../memory/l1-budget.js';
import { ChangeOp, type Change } from '../cluster/wire/change-batch.js';
import type { ForwardedCommand } from '../cluster/wire/command-codec.js';
import { ChangeKind, type ChangeRow } from '../sqlite/change-log.js';
import type { RemovableRow } from '../sqlite/entry-table.js';
import type { Storage } from '../sqlite/storage.js';
import type { QueuedWrite } from '../engine/command-queue.js';
import { NamedCache } from './named-cache.js';
import type { ResolvedOptions } from './options.js';

/** @internal */
export interface LocalCachesParts {
  readonly options: ResolvedOptions;
  readonly storage: Storage;
  readonly coherence: MemoryCoherence;
  readonly queue: CommandQueue;
  /** By which deadlines are set and judged. */
  readonly clock: Clock;
  readonly claims: FillClaims;
  readonly events: CacheEvents;
  readonly incidents: IncidentLog;
  /** The writes go to another node, and come back as changes. */
  readonly isReplica: boolean;
  /** How this node reads a namespace, if not simply from what is here. */
  readonly readsOf: (
    tiered: TieredCache,
    namespace: string,
    counters: CacheCounters,
    pending: PendingWrites,
  ) => CacheReads;
  /** The last revision that a read of this node has seen. */
  readonly revision: () => number;
  readonly onReadError: (error: HyperCacheError, cause: unknown) => void;
}

/** Requests may name any: what they can make a node keep is bounded. */
const MAX_NAMESPACES = 10_000;

/** One namespace of a node. @internal */
export interface LocalCache {
  readonly cache: NamedCache;
  readonly l1: L1 | undefined;
  readonly pending: PendingWrites;
  readonly counters: CacheCounters;
}

/**
 * The named caches of a node: what they share, and which of them is meant by an id of the file.
 *
 * @internal
 */
export class LocalCaches {
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
        ? new PendingValue(decodeValue(command.value), command.expiresAt)
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

  /** The cache whose entries stand under an id now. */
  ownerOf(namespaceId: number): LocalCache | undefined {
    const name = this.parts.storage.namespaces.nameOf(namespaceId);
    return name === undefined ? undefined : this.#caches.get(name);
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

  /** What others have changed in the file leaves memory; everything, when the log no longer says. */
  dropLogged(changes: readonly ChangeRow[] | undefined): void {
    if (changes === undefined) {
      this.clearMemory();
      return;
    }
    for (const { namespace_id, kind, key } of changes) {
      // Deletions by prefix and by tag log each key as well. A cleared namespace is logged under its new id.
      const l1 = this.ownerOf(namespace_id)?.l1;
      if (kind === ChangeKind.Clear) l1?.clear();
      else if (kind === ChangeKind.Key) l1?.delete(key);
    }
  }

  /** As {@link dropLogged}, for changes that have come from the primary. */
  dropReplicated(changes: readonly Change[] | undefined): void {
    if (changes === undefined) {
      this.clearMemory();
      return;
    }
    for (const [, namespaceId, op, key] of changes) {
      const l1 = this.ownerOf(namespaceId)?.l1;
      if (op === ChangeOp.Clear) l1?.clear();
      else l1?.delete(key);
    }
  }

  /** Another node is to write: no later write of this node may be merged into one that came before. */
  raiseBarrier(command: ForwardedCommand): void {
    if ('namespace' in command) this.#caches.get(command.namespace)?.pending.raiseBarrier();
  }

  /** What another node has written leaves memory. */
  dropForwarded(command: ForwardedCommand, result: CommandResult): void {
    if (!('namespace' in command)) return;
    const { namespace } = command;
    const l1 = this.#caches.get(namespace)?.l1;
    if ('key' in command) l1?.delete(command.key);
    else if ('keys' in result) for (const key of result.keys) l1?.delete(key);
    else {
      l1?.clear();
      if ('deleted' in result && typeof result.deleted === 'number') {
        this.parts.events.emit('clear', { namespace, deleted: result.deleted });
      }
    }
  }

  dropEvicted(rows: readonly RemovableRow[]): void {
    for (const row of rows) this.ownerOf(row.namespace_id)?.l1?.delete(row.key);
    if (rows.length > 0) this.parts.events.emit('evicted', { entries: rows.length });
  }

  /** What memory holds belongs to another history, or nobody knows what of it has changed. */
  clearMemory(): void {
    for (const { l1 } of this.#caches.values()) l1?.clear();
  }

  #create(namespace: string, defaultTtl: number): LocalCache {
    const { options, storage, coherence, queue, clock, claims, events, incidents } = this.parts;
    const { isReplica, readsOf, revision, onReadError } = this.parts;
    const { isolation, maxValueSize } = options;
    const l1 = options.l1 === false ? undefined : new L1(this.budget, clock);
    const pending = new PendingWrites();
    const counters = zeroCounters();
    const drain = (): Promise<void> => queue.drain();
    const tiered = new TieredCache({
      namespace,
      storage,
      coherence,
      l1,
      pending,
      counters,
      events,
      isolation,
      clock,
      onReadError,
    });
    const reads = readsOf(tiered, namespace, counters, pending);
    const writes = new CacheWriter({
      namespace,
      queue,
      l1,
      pending,
      counters,
      events,
      isolation,
      maxValueBytes: maxValueSize,
      relaxed: options.durability === 'relaxed' && !isReplica,
      onLostWrite: (error) => incidents.report(error, 'committing a relaxed write'),
      remembers: !isReplica,
    });
    const readThrough = new ReadThrough({
      cache: reads,
      writer: writes,
      counters,
      clock,
      maxValueBytes: maxValueSize,
      drain,
      revision,
      claim: (key) => claims.claim(namespace, key),
      onSilentError: (error, during) => incidents.report(error, during),
    });
    const cache = new NamedCache({
      namespace,
      defaultTtl,
      reads,
      writes,
      readThrough,
      clock,
      drain,
    });
    return { cache, l1, pending, counters };
  }
}
