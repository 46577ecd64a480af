import type { Lifetime } from '../common/expiry.js';
import type { Copier } from '../value/copier.js';

/** Means that there is no slot: the first slot is never used. @internal */
export const NONE = 0;

const FIRST_CAPACITY = 64;
const GROWTH = 1.5;

const VISITED = 1;

/** Takes the place of a copier until the first copy: most values are never read. @internal */
export const UNKNOWN: Copier = (value) => value;

/**
 * The entries of one memory layer as parallel arrays, in a list from the newest to the oldest. The arrays grow as needed, up
 * to the bound.
 *
 * @internal
 */
export class L1Slots {
  /** Read on the hit path; written only by {@link put}. */
  readonly values: unknown[] = [undefined];
  /** Copies the value for each reader; undefined when readers may have the value itself. */
  readonly copiers: (Copier | undefined)[] = [undefined];
  readonly #keys: string[] = [''];
  #freshUntil = new Float64Array(FIRST_CAPACITY);
  #expiresAt = new Float64Array(FIRST_CAPACITY);
  #bytes = new Float64Array(FIRST_CAPACITY);
  #flags = new Uint8Array(FIRST_CAPACITY);
  #newer = new Uint32Array(FIRST_CAPACITY);
  /** In a free slot: the next free one. */
  #older = new Uint32Array(FIRST_CAPACITY);
  #firstFree = NONE;

  /** @param maxEntries one more entry may be held for a moment, before another is evicted */
  constructor(private readonly maxEntries: number) {}

  /** Takes a slot for a new entry, which the caller then links and puts. */
  take(key: string): number {
    let slot = this.#firstFree;
    if (slot === NONE) {
      slot = this.#keys.length;
      if (slot === this.#flags.length) this.#grow();
      this.#keys.push(key);
      this.values.push(undefined);
      this.copiers.push(undefined);
    } else {
      this.#firstFree = this.older(slot);
      this.#keys[slot] = key;
    }
    return slot;
  }

  /** Drops the key and the value of a slot, which may then be taken again. */
  release(slot: number): void {
    this.#keys[slot] = '';
    this.values[slot] = this.copiers[slot] = undefined;
    this.#flags[slot] = 0;
    this.#bytes[slot] = 0;
    this.#older[slot] = this.#firstFree;
    this.#firstFree = slot;
  }

  put(
    slot: number,
    value: unknown,
    { freshUntil, expiresAt }: Lifetime,
    bytes: number,
    isCopied: boolean,
  ): void {
    this.values[slot] = value;
    this.#freshUntil[slot] = freshUntil;
    this.#expiresAt[slot] = expiresAt;
    this.#bytes[slot] = bytes;
    this.copiers[slot] = isCopied ? UNKNOWN : undefined;
  }

  link(slot: number, older: number, newer: number): void {
    this.#older[slot] = older;
    this.#newer[slot] = newer;
  }

  key(slot: number): string {
    return this.#keys[slot] ?? '';
  }

  freshUntil(slot: number): number {
    return this.#freshUntil[slot] ?? 0;
  }

  expiresAt(slot: number): number {
    return this.#expiresAt[slot] ?? 0;
  }

  /** Size of the entry; 0 for a slot that holds nothing yet. */
  bytes(slot: number): number {
    return this.#bytes[slot] ?? 0;
  }

  older(slot: number): number {
    return this.#older[slot] ?? NONE;
  }

  newer(slot: number): number {
    return this.#newer[slot] ?? NONE;
  }

  /** Whether the entry was read since the hand last passed. */
  isVisited(slot: number): boolean {
    return this.#flags[slot] === VISITED;
  }

  visit(slot: number): void {
    this.#flags[slot] = VISITED;
  }

  unvisit(slot: number): void {
    this.#flags[slot] = 0;
  }

  #grow(): void {
    const wanted = Math.ceil(this.#flags.length * GROWTH);
    // Includes the slot that is never used, and the one extra entry before an eviction.
    const capacity = Math.min(wanted, Math.max(this.maxEntries + 2, this.#flags.length + 1));
    this.#freshUntil = grown(this.#freshUntil, new Float64Array(capacity));
    this.#expiresAt = grown(this.#expiresAt, new Float64Array(capacity));
    this.#bytes = grown(this.#bytes, new Float64Array(capacity));
    this.#flags = grown(this.#flags, new Uint8Array(capacity));
    this.#newer = grown(this.#newer, new Uint32Array(capacity));
    this.#older = grown(this.#older, new Uint32Array(capacity));
  }
}

function grown<T extends Float64Array | Uint32Array | Uint8Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
