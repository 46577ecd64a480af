import { PendingValue, PendingWrites } from '../cache/pending-writes.js';
import type { ForwardedCommand } from '../cluster/wire/command-codec.js';
import type { Clock } from '../common/clock.js';
import { InvalidArgumentError } from '../common/errors.js';
import type { CacheEvents } from '../common/events.js';
import { MAX_NAMESPACES } from '../common/limits.js';
import { hitRatios, zeroCounters, type CacheCounters } from '../engine/cache-stats.js';
import type { QueuedWrite } from '../engine/command-queue.js';
import type { Command, DeleteCommand, SetCommand } from '../engine/command.js';
import type { CommandResult } from '../engine/command-result.js';
import type { MemoryListener } from '../engine/memory-coherence.js';
import type { HyperCacheStats } from '../engine/node-stats.js';
import { L1 } from '../memory/l1.js';
import { L1Budget } from '../memory/l1-budget.js';
import { decodeValue } from '../value/codec.js';
import type { ResolvedOptions } from './options.js';

/** What a node has in memory of one namespace. @internal */
export interface Namespace {
  /** `undefined` when the memory layer is off. */
  readonly l1: L1 | undefined;
  readonly pending: PendingWrites;
  readonly counters: CacheCounters;
}

/**
 * The namespaces of a node, and what it has of them in memory. Made before any engine, which notifies it of changes.
 *
 * @internal
 */
export class Namespaces implements MemoryListener {
  readonly #budget: L1Budget | undefined;
  readonly #byName = new Map<string, Namespace>();

  constructor(
    l1: ResolvedOptions['l1'],
    private readonly clock: Clock,
    private readonly events: CacheEvents,
  ) {
    this.#budget = l1 === false ? undefined : new L1Budget(l1.maxEntries, l1.maxBytes);
  }

  /** @throws {HC_ARGUMENT_INVALID} */
  open(name: string): Namespace {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    if (this.#byName.size >= MAX_NAMESPACES) {
      throw new InvalidArgumentError(
        `This node uses ${MAX_NAMESPACES} namespaces already.`,
        'Put what differs into the keys: a namespace is kept in memory as long as the node runs.',
      );
    }
    const l1 = this.#budget && new L1(this.#budget, this.clock);
    const namespace = { l1, pending: new PendingWrites(), counters: zeroCounters() };
    this.#byName.set(name, namespace);
    return namespace;
  }

  /**
   * A write that an earlier process has accepted: until it is done, reads of this node see it.
   *
   * @returns the write, whose callbacks report its end
   */
  restore(command: SetCommand | DeleteCommand): QueuedWrite<Command, CommandResult> {
    const { namespace, key } = command;
    const { pending } = this.open(namespace);
    const entry =
      command.kind === 'set'
        ? new PendingValue(decodeValue(command.value), command.expiresAt, command.freshUntil)
        : new PendingValue(undefined, 0);
    pending.put(key, entry);
    return {
      command,
      bytes: 0,
      committed: () => pending.settle(key, entry),
      failed: () => pending.abandon(key, entry),
    };
  }

  stats(): Pick<HyperCacheStats, 'caches' | 'ratios' | 'l1'> {
    const { entries = 0, bytes = 0, evictions = 0 } = this.#budget ?? {};
    const caches = Array.from(this.#byName, ([name, { counters }]) => [
      name,
      { ...counters, ratios: hitRatios([counters]) },
    ]);
    return {
      caches: Object.fromEntries(caches),
      ratios: hitRatios(Array.from(this.#byName.values(), ({ counters }) => counters)),
      l1: { entries, bytes, evictions },
    };
  }

  /** Whether memory holds an entry that was read recently. */
  isHot(namespace: string, key: string): boolean {
    return this.#byName.get(namespace)?.l1?.isHot(key) === true;
  }

  changed(namespace: string, key: string): void {
    this.#byName.get(namespace)?.l1?.delete(key);
  }

  cleared(namespace: string): void {
    this.#byName.get(namespace)?.l1?.clear();
  }

  lost(): void {
    for (const { l1 } of this.#byName.values()) l1?.clear();
  }

  /** Write barrier for another node's command: no later write of this node may be merged into one that came before. */
  raiseBarrier(command: ForwardedCommand): void {
    if ('namespace' in command) this.#byName.get(command.namespace)?.pending.raiseBarrier();
  }

  /** Removes from memory what another node has written. */
  dropForwarded(command: ForwardedCommand, result: CommandResult): void {
    if (!('namespace' in command)) return;
    const { namespace } = command;
    if ('key' in command) this.changed(namespace, command.key);
    else if ('keys' in result) for (const key of result.keys) this.changed(namespace, key);
    else {
      this.cleared(namespace);
      if ('deleted' in result && typeof result.deleted === 'number') {
        this.events.emit('clear', { namespace, deleted: result.deleted });
      }
    }
  }
}
