import { isExpired } from '../common/expiry.js';
import type { Clock } from '../common/clock.js';
import type { L1Budget } from './l1-budget.js';

/**
 * One entry in memory. Read-only for everyone but {@link L1}.
 *
 * @internal
 */
export interface L1Entry {
  readonly key: string;
  readonly value: unknown;
  /** Unix ms; Infinity when it never expires. */
  readonly expiresAt: number;
  readonly bytes: number;
}

interface Node extends L1Entry {
  value: unknown;
  expiresAt: number;
  bytes: number;
  /** Read since the hand last passed. */
  visited: boolean;
  /** Towards older entries. */
  next: Node | undefined;
  /** Towards newer entries. */
  previous: Node | undefined;
}

/** What an entry costs besides its key and value: the node and its slot in the map. */
const NODE_BYTES = 120;

/**
 * The memory layer of one namespace: a bounded map with SIEVE eviction (Zhang et al., "SIEVE is Simpler than
 * LRU", NSDI 2024). A hit sets one bit and moves nothing; the hand walks from the oldest entry to the
 * newest and takes the first that was not read since it last came by.
 *
 * @internal
 */
export class L1 {
  #map = new Map<string, Node>();
  #newest: Node | undefined;
  #oldest: Node | undefined;
  #hand: Node | undefined;
  #bytes = 0;

  constructor(
    private readonly budget: L1Budget,
    private readonly clock: Clock,
  ) {
    budget.join(this);
  }

  get size(): number {
    return this.#map.size;
  }

  /** Estimated bytes held, keys and bookkeeping included. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The live entry, or `undefined`; an expired one is dropped. */
  get(key: string): L1Entry | undefined {
    const node = this.#map.get(key);
    if (node === undefined) return undefined;
    if (node.expiresAt !== Infinity && isExpired(node.expiresAt, this.clock.coarseNow())) {
      this.#remove(node);
      return undefined;
    }
    node.visited = true;
    return node;
  }

  /** Whether the key is held and was read since the hand last passed: the evictor of L2 spares it. */
  isHot(key: string): boolean {
    return this.#map.get(key)?.visited ?? false;
  }

  /** Stores an entry and evicts others until the budget holds again. */
  set(key: string, value: unknown, expiresAt: number, valueBytes: number): void {
    const bytes = valueBytes + 2 * key.length + NODE_BYTES;
    if (!this.budget.fits(bytes)) {
      this.delete(key);
      return;
    }
    const node = this.#map.get(key);
    if (node === undefined) {
      this.#insert({
        key,
        value,
        expiresAt,
        bytes,
        visited: false,
        next: this.#newest,
        previous: undefined,
      });
    } else {
      this.#count(0, bytes - node.bytes);
      node.value = value;
      node.expiresAt = expiresAt;
      node.bytes = bytes;
    }
    this.budget.settle();
  }

  delete(key: string): void {
    const node = this.#map.get(key);
    if (node !== undefined) this.#remove(node);
  }

  clear(): void {
    this.#count(-this.#map.size, -this.#bytes);
    this.#map = new Map();
    this.#newest = this.#oldest = this.#hand = undefined;
  }

  /** Removes the entry that SIEVE chooses. */
  evictOne(): void {
    let node = this.#hand ?? this.#oldest;
    // Ends: each step clears a bit, so after one round the first entry is taken.
    while (node?.visited) {
      node.visited = false;
      node = node.previous ?? this.#oldest;
    }
    if (node === undefined) return;
    this.#hand = node;
    this.#remove(node);
  }

  #insert(node: Node): void {
    if (this.#newest !== undefined) this.#newest.previous = node;
    this.#newest = node;
    this.#oldest ??= node;
    this.#map.set(node.key, node);
    this.#count(1, node.bytes);
  }

  #remove(node: Node): void {
    if (this.#hand === node) this.#hand = node.previous;
    if (node.previous === undefined) this.#newest = node.next;
    else node.previous.next = node.next;
    if (node.next === undefined) this.#oldest = node.previous;
    else node.next.previous = node.previous;
    this.#map.delete(node.key);
    this.#count(-1, -node.bytes);
  }

  #count(entries: number, bytes: number): void {
    this.#bytes += bytes;
    this.budget.count(entries, bytes);
  }
}
