import type { Awaitable } from '../common/awaitable.js';
import type { Clock } from '../common/clock.js';
import type { EventTopic } from '../common/event-topic.js';
import type { CacheEvents, HyperCacheEvents } from '../common/events.js';
import { isExpired, NEVER, type Lifetime } from '../common/expiry.js';
import { assertKey } from '../common/keys.js';
import type { CacheCounters } from '../engine/cache-stats.js';
import type { L2, L2Entry, Observation, Seen, VersionedEntry } from '../engine/l2.js';
import type { MemoryCoherence } from '../engine/memory-coherence.js';
import type { L1 } from '../memory/l1.js';
import { admit, release, type Isolation } from '../value/isolation.js';
import type { PendingEntry, PendingWrites } from './pending-writes.js';

/** Where an entry was found. @internal */
export type Layer = HyperCacheEvents['hit']['layer'];

/** What a read finds. The cache owns the value; callers receive it through {@link TieredCache.release}. @internal */
export interface CacheEntry extends Lifetime {
  readonly value: unknown;
  readonly layer: Layer;
}

/** @internal */
export interface TieredCacheParts {
  readonly namespace: string;
  readonly l2: L2;
  readonly coherence: MemoryCoherence;
  /** `undefined` when the memory layer is off. */
  readonly l1: L1 | undefined;
  readonly pending: PendingWrites;
  readonly counters: CacheCounters;
  readonly events: CacheEvents;
  readonly isolation: Isolation;
  readonly clock: Clock;
  /** Called when a read below memory fails; the read then counts as a miss. */
  readonly onReadError: (error: unknown) => void;
}

const MISSING: VersionedEntry = { value: undefined, revision: 0, expiresAt: undefined };

/**
 * The read side of one namespace. It looks in L1, then among the writes that wait for their commit, then in the engine, whose
 * entry fills L1. It returns a value that is available directly, and any other by a promise.
 *
 * @internal
 */
export class TieredCache {
  readonly #l1: L1 | undefined;
  readonly #l2: L2;
  readonly #coherence: MemoryCoherence;
  readonly #counters: CacheCounters;
  readonly #isolation: Isolation;
  readonly #hits: EventTopic<HyperCacheEvents['hit']>;
  readonly #misses: EventTopic<HyperCacheEvents['miss']>;
  /** Whether a value had to be promised since {@link mget} began. */
  #isLate = false;

  constructor(private readonly parts: TieredCacheParts) {
    this.#l1 = parts.l1;
    this.#l2 = parts.l2;
    this.#coherence = parts.coherence;
    this.#counters = parts.counters;
    this.#hits = parts.events.topics.hit;
    this.#misses = parts.events.topics.miss;
    this.#isolation = parts.isolation;
  }

  /** The value, isolated as the option `isolation` says; `undefined` on a miss. */
  get(key: string): unknown {
    const l1 = this.#trusted();
    const value = l1?.read(key);
    if (value !== undefined) {
      this.#counters.l1Hits++;
      if (this.#hits.hasListeners) this.#emitHit(key, 'l1');
      return value;
    }
    if (l1 === undefined && this.parts.pending.size === 0) return this.#getFromL2(key);
    const entry = this.#findBelow(l1, key);
    if (!(entry instanceof Promise)) return this.#valueOf(entry);
    this.#isLate = true;
    return entry.then(this.#valueOf);
  }

  mget(keys: readonly string[]): Awaitable<unknown[]> {
    this.#isLate = false;
    const values = keys.map((key) => this.get(key));
    return this.#isLate ? Promise.all(values) : values;
  }

  /**
   * As {@link get}, with the deadlines, and without isolation.
   *
   * @param takesStale a stale entry is found too, and counts as neither a hit nor a miss
   */
  find(key: string, takesStale = false): Awaitable<CacheEntry | undefined> {
    const l1 = this.#trusted();
    const hit = l1?.get(key);
    if (hit === undefined) {
      return (takesStale ? l1?.stale(key) : undefined) ?? this.#findBelow(l1, key, takesStale);
    }
    this.#counters.l1Hits++;
    if (this.#hits.hasListeners) this.#emitHit(key, 'l1');
    return hit;
  }

  /** Isolates for a caller a value that the cache owns. */
  release(value: unknown): unknown {
    return release(value, this.#isolation);
  }

  has(key: string): Awaitable<boolean> {
    const freshUntil = this.freshUntil(key);
    return freshUntil instanceof Promise
      ? freshUntil.then((at) => at !== undefined)
      : freshUntil !== undefined;
  }

  /** When the fresh entry stops being fresh, without reading its value; `undefined` on a miss. */
  freshUntil(key: string): Awaitable<number | undefined> {
    const hit = this.#trusted()?.get(key);
    if (hit !== undefined) return hit.freshUntil;
    const waiting = this.parts.pending.get(key);
    if (waiting !== undefined) {
      return this.isFresh(waiting) ? this.#live(waiting)?.freshUntil : undefined;
    }
    assertKey(key);
    return this.#open(() => this.#l2.freshUntil(key));
  }

  /** Whether an entry that was found is still fresh. */
  isFresh({ freshUntil }: Lifetime): boolean {
    return freshUntil === NEVER || !isExpired(freshUntil, this.parts.clock.coarseNow());
  }

  /** The committed fresh entry. */
  findWithRevision(key: string): Awaitable<VersionedEntry> {
    assertKey(key);
    const found = this.#open(() => this.#l2.readVersioned(key));
    return found instanceof Promise ? found.then((entry) => entry ?? MISSING) : (found ?? MISSING);
  }

  /**
   * The entry, fresh or stale, and a moment at which it was there; it is neither counted nor reported. For callers that mean
   * to replace the entry, after the waiting writes are committed.
   */
  observe(key: string, tags: readonly string[]): Awaitable<Observation> {
    const observed = this.#l2.observe(key, tags);
    return observed instanceof Promise
      ? observed.then((found) => this.#withPending(key, found))
      : this.#withPending(key, observed);
  }

  /** Whether the key, the tags and the whole cache are unchanged since then. */
  isCurrent(seen: Seen, tags: readonly string[]): Awaitable<boolean> {
    return this.parts.pending.get(seen.key) === undefined && this.#l2.isCurrent(seen, tags);
  }

  /** Memory, while it can be trusted. Consulted before anything is read, because the check may drop what would be read. */
  #trusted(): L1 | undefined {
    return this.#l1 !== undefined && this.#coherence.isTrusted() ? this.#l1 : undefined;
  }

  #findBelow(
    l1: L1 | undefined,
    key: string,
    takesStale = false,
  ): Awaitable<CacheEntry | undefined> {
    const waiting = this.parts.pending.get(key);
    if (waiting !== undefined) return this.#judged(key, this.#live(waiting), 'l2', takesStale);
    assertKey(key);
    const { layer } = this.#l2;
    const found = this.#open(() => this.#l2.read(key));
    if (!(found instanceof Promise)) {
      if (l1 !== undefined && found !== undefined) this.#keep(l1, key, found);
      return this.#judged(key, found, layer, takesStale);
    }
    return this.#arrived(l1, key, found, layer, takesStale);
  }

  /** Keeps a value that arrives, unless memory learned of a change in the meantime. */
  async #arrived(
    l1: L1 | undefined,
    key: string,
    coming: Promise<L2Entry | undefined>,
    layer: Layer,
    takesStale: boolean,
  ): Promise<CacheEntry | undefined> {
    const ticket = l1?.ticket(key);
    const found = await coming;
    const isValid = ticket !== undefined && l1?.redeem(key, ticket) === true;
    if (isValid && found !== undefined) this.#keep(l1, key, found);
    return this.#judged(key, found, layer, takesStale);
  }

  /** Counts what was found as a hit or a miss, unless it is stale and stale entries are wanted. */
  #judged(
    key: string,
    found: (Lifetime & { readonly value: unknown }) | undefined,
    layer: Layer,
    takesStale: boolean,
  ): CacheEntry | undefined {
    if (found === undefined) return this.#counted(key, undefined, layer);
    const { value, freshUntil, expiresAt } = found;
    const entry = { value, freshUntil, expiresAt, layer };
    if (this.isFresh(entry)) return this.#counted(key, entry, layer);
    return takesStale ? entry : this.#counted(key, undefined, layer);
  }

  /** Without a memory layer a read needs no deadline, and the caller owns what it decodes. */
  #getFromL2(key: string): unknown {
    assertKey(key);
    const { layer } = this.#l2;
    const value = this.#open(() => this.#l2.readValue(key));
    if (!(value instanceof Promise)) return this.#counted(key, value, layer);
    this.#isLate = true;
    return value.then((found) => this.#counted(key, found, layer));
  }

  #keep(l1: L1, key: string, entry: L2Entry): void {
    l1.set(key, entry.value, entry, entry.bytes, admit(entry.value, this.#isolation));
  }

  #live(waiting: PendingEntry): PendingEntry | undefined {
    const isLive =
      waiting.value !== undefined && !isExpired(waiting.expiresAt, this.parts.clock.coarseNow());
    return isLive ? waiting : undefined;
  }

  #withPending(key: string, observed: Observation): Observation {
    const waiting = this.parts.pending.get(key);
    if (waiting !== undefined) {
      const live = this.#live(waiting);
      const entry = live && {
        value: live.value,
        freshUntil: live.freshUntil,
        expiresAt: live.expiresAt,
        bytes: 0,
      };
      return { entry, seen: observed.seen };
    }
    if (observed.entry !== undefined) admit(observed.entry.value, this.#isolation);
    return observed;
  }

  /** Counts a read that found nothing usable. */
  missed(key: string): void {
    this.#counters.misses++;
    if (this.#misses.hasListeners) this.#misses.emit({ namespace: this.parts.namespace, key });
  }

  #counted<T>(key: string, found: T | undefined, layer: Layer): T | undefined {
    if (found === undefined) {
      this.missed(key);
      return undefined;
    }
    if (layer === 'primary') this.#counters.primaryHits++;
    else this.#counters.l2Hits++;
    if (this.#hits.hasListeners) this.#emitHit(key, layer);
    return found;
  }

  readonly #valueOf = (entry: CacheEntry | undefined): unknown =>
    entry === undefined ? undefined : this.release(entry.value);

  #emitHit(key: string, layer: Layer): void {
    this.#hits.emit({ namespace: this.parts.namespace, key, layer });
  }

  /** Reads fail open: a failure becomes a miss, and an error event. */
  #open<T>(read: () => Awaitable<T | undefined>): Awaitable<T | undefined> {
    try {
      const found = read();
      return found instanceof Promise ? found.catch(this.#failed) : found;
    } catch (error) {
      return this.#failed(error);
    }
  }

  readonly #failed = (error: unknown): undefined => {
    this.parts.onReadError(error);
  };
}
