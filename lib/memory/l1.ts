import { isExpired, type Lifetime } from '../common/expiry.js';
import type { Clock } from '../common/clock.js';
import { copierOf } from '../value/copier.js';
import { L1Slots, NONE, UNKNOWN } from './l1-slots.js';
import type { L1Budget } from './l1-budget.js';

/**
 * What is known about one entry in memory. The cache owns the value.
 *
 * @internal
 */
export interface L1Entry extends Lifetime {
  readonly value: unknown;
  readonly layer: 'l1';
}

/** What an entry costs in addition to its key and value: its slot, and its place in the map. */
const SLOT_BYTES = 98;

/** How many entries after the one to evict are searched for a stale one, which is then evicted instead. */
const LOOK_AHEAD = 16;

/**
 * The memory layer of one namespace: a bounded map with SIEVE eviction (Zhang et al., "SIEVE is Simpler than
 * LRU", NSDI 2024). A hit sets one bit and moves nothing. The hand walks from the oldest entry to the newest, and evicts the
 * first one that was not read since the hand last passed.
 *
 * Entries are slots in parallel arrays, not objects: this takes half the memory, and the collector has nothing to trace.
 *
 * @internal
 */
export class L1 {
  #map = new Map<string, number>();
  #slots: L1Slots;
  #newest = NONE;
  #oldest = NONE;
  #hand = NONE;
  #bytes = 0;
  /** Whether an entry with a window was ever put here. */
  #hasWindows = false;
  /** For each key, the last pending read that means to fill it. Whatever happens to the key removes the ticket. */
  readonly #tickets = new Map<string, number>();
  #lastTicket = 0;

  constructor(
    private readonly budget: L1Budget,
    private readonly clock: Clock,
  ) {
    this.#slots = new L1Slots(budget.maxEntries);
    budget.join(this);
  }

  get size(): number {
    return this.#map.size;
  }

  /** Estimated bytes held, keys and bookkeeping included. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The fresh value, in the form that a caller may have; `undefined` on a miss. An expired entry is dropped. */
  read(key: string): unknown {
    const slot = this.#find(key);
    if (slot === undefined) return undefined;
    const { values, copiers } = this.#slots;
    const value = values[slot];
    const copier = copiers[slot];
    if (copier === undefined) return value;
    return copier === UNKNOWN ? (copiers[slot] = copierOf(value))(value) : copier(value);
  }

  /** The fresh entry, or `undefined`; an expired one is dropped. */
  get(key: string): L1Entry | undefined {
    const slot = this.#find(key);
    return slot === undefined ? undefined : this.#entryIn(slot);
  }

  /** The entry, if it is there and stale. Such a read does not protect it from eviction. */
  stale(key: string): L1Entry | undefined {
    const slot = this.#hasWindows ? this.#map.get(key) : undefined;
    return slot !== undefined && this.#isStale(slot) ? this.#entryIn(slot) : undefined;
  }

  /** Whether the key is held and was read since the hand last passed: the evictor of L2 then spares it. */
  isHot(key: string): boolean {
    const slot = this.#map.get(key);
    return slot !== undefined && this.#slots.isVisited(slot);
  }

  /** Gives a ticket to a pending read. {@link redeem} must follow: it decides whether the result may be kept. */
  ticket(key: string): number {
    this.#tickets.set(key, ++this.#lastTicket);
    return this.#lastTicket;
  }

  /** Whether the key was neither written nor dropped since the ticket was given. */
  redeem(key: string, ticket: number): boolean {
    return this.#tickets.get(key) === ticket && this.#tickets.delete(key);
  }

  /**
   * Stores an entry and evicts others until the budget holds again.
   *
   * @param isCopied whether each caller gets its own copy
   */
  set(
    key: string,
    value: unknown,
    lifetime: Lifetime,
    valueBytes: number,
    isCopied: boolean,
  ): void {
    if (this.#tickets.size > 0) this.#tickets.delete(key);
    const bytes = valueBytes + 2 * key.length + SLOT_BYTES;
    if (!this.budget.fits(bytes)) {
      this.delete(key);
      return;
    }
    const slots = this.#slots;
    const known = this.#map.get(key);
    const slot = known ?? this.#insert(key);
    this.#count(known === undefined ? 1 : 0, bytes - slots.bytes(slot));
    if (lifetime.freshUntil !== lifetime.expiresAt) this.#hasWindows = true;
    slots.put(slot, value, lifetime, bytes, isCopied);
    this.budget.settle();
  }

  delete(key: string): void {
    if (this.#tickets.size > 0) this.#tickets.delete(key);
    const slot = this.#map.get(key);
    if (slot !== undefined) this.#remove(slot);
  }

  clear(): void {
    this.#count(-this.#map.size, -this.#bytes);
    this.#map = new Map();
    this.#slots = new L1Slots(this.budget.maxEntries);
    this.#newest = this.#oldest = this.#hand = NONE;
    this.#tickets.clear();
  }

  /** Removes the entry that SIEVE chooses. */
  evictOne(): void {
    const slots = this.#slots;
    let slot = this.#hand === NONE ? this.#oldest : this.#hand;
    // The loop ends: each step clears a bit, so after one round the first entry is taken.
    while (slots.isVisited(slot)) {
      slots.unvisit(slot);
      const newer = slots.newer(slot);
      slot = newer === NONE ? this.#oldest : newer;
    }
    if (slot === NONE) return;
    this.#hand = slot;
    this.#remove(this.#hasWindows ? this.#stalerThan(slot) : slot);
  }

  /** A stale one among the following entries that were not read either; otherwise the slot itself. */
  #stalerThan(slot: number): number {
    const slots = this.#slots;
    let other = slot;
    for (let i = 0; i < LOOK_AHEAD && other !== NONE; i++) {
      if (!slots.isVisited(other) && this.#isStale(other)) return other;
      other = slots.newer(other);
    }
    return slot;
  }

  #isStale(slot: number): boolean {
    const now = this.clock.coarseNow();
    return (
      isExpired(this.#slots.freshUntil(slot), now) && !isExpired(this.#slots.expiresAt(slot), now)
    );
  }

  #entryIn(slot: number): L1Entry {
    const slots = this.#slots;
    return {
      value: slots.values[slot],
      freshUntil: slots.freshUntil(slot),
      expiresAt: slots.expiresAt(slot),
      layer: 'l1',
    };
  }

  #find(key: string): number | undefined {
    const slot = this.#map.get(key);
    if (slot === undefined) return undefined;
    const freshUntil = this.#slots.freshUntil(slot);
    if (freshUntil !== Infinity) {
      const now = this.clock.coarseNow();
      if (isExpired(freshUntil, now)) {
        if (isExpired(this.#slots.expiresAt(slot), now)) this.#remove(slot);
        return undefined;
      }
    }
    this.#slots.visit(slot);
    return slot;
  }

  #insert(key: string): number {
    const slot = this.#slots.take(key);
    this.#slots.link(slot, this.#newest, NONE);
    if (this.#newest !== NONE)
      this.#slots.link(this.#newest, this.#slots.older(this.#newest), slot);
    this.#newest = slot;
    if (this.#oldest === NONE) this.#oldest = slot;
    this.#map.set(key, slot);
    return slot;
  }

  #remove(slot: number): void {
    const slots = this.#slots;
    const older = slots.older(slot);
    const newer = slots.newer(slot);
    if (this.#hand === slot) this.#hand = newer;
    if (newer === NONE) this.#newest = older;
    else slots.link(newer, older, slots.newer(newer));
    if (older === NONE) this.#oldest = newer;
    else slots.link(older, slots.older(older), newer);
    this.#count(-1, -slots.bytes(slot));
    this.#map.delete(slots.key(slot));
    slots.release(slot);
  }

  #count(entries: number, bytes: number): void {
    this.#bytes += bytes;
    this.budget.count(entries, bytes);
  }
}
