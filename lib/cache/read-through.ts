import type { Awaitable } from '../common/awaitable.js';
import type { Clock } from '../common/clock.js';
import {
  FactoryFailedError,
  HyperCacheError,
  InvalidTtlError,
  UnsupportedValueError,
} from '../common/errors.js';
import { expiresAtFor } from '../common/expiry.js';
import type { CacheCounters } from '../engine/cache-stats.js';
import type { Claims, OwnClaim } from '../engine/claims.js';
import type { Seen } from '../engine/l2.js';
import { captureValue } from '../value/capture.js';
import type { CacheWriter } from './cache-writer.js';
import type { PendingWrites } from './pending-writes.js';
import type { CacheEntry, TieredCache } from './tiered-cache.js';

/** How `wrap` stores what a factory makes. @internal */
export interface WrapOptions {
  /** Milliseconds; 0 means no expiry; undefined means the default. */
  readonly ttl?: number | ((value: never) => number | undefined) | undefined;
  /** With less than this many ms left, a hit also starts the factory in the background. */
  readonly refreshThreshold?: number | ((value: never) => number) | undefined;
  readonly tags?: readonly string[] | undefined;
  /** Told what a factory made and the cache has stored. */
  readonly onStored?: ((key: string, value: unknown) => void) | undefined;
  /** Told when a background refresh has ended. */
  readonly onRefreshed?: ((key: string, value: unknown, error: unknown) => void) | undefined;
}

/** @internal */
export interface ReadThroughParts {
  readonly cache: TieredCache;
  readonly writer: CacheWriter;
  readonly pending: PendingWrites;
  readonly counters: CacheCounters;
  readonly clock: Clock;
  readonly maxValueBytes: number;
  /** Commits what waits, so that what is observed then has seen what came before a factory began. */
  readonly drain: () => Promise<void>;
  readonly claims: Claims;
  /** What no caller is told: a value that was returned but not stored, a refresh that failed. */
  readonly onSilentError: (error: unknown, during: string) => void;
}

type Factory = () => unknown;

/** What a caller wants to be made. */
interface Call {
  readonly key: string;
  readonly factory: Factory;
  readonly options: WrapOptions;
  readonly defaultTtlMs: number;
}

/** A factory at work, and what it takes into account; undefined until it starts. */
interface Flight {
  readonly entry: Promise<CacheEntry>;
  seen: Seen | undefined;
  claim: OwnClaim | undefined;
  /** How many writes this process had begun by then. */
  readonly writes: number;
}

const NO_TAGS: readonly string[] = [];

/**
 * `wrap`: single-flight within the process and, by claims, among all that share the cache; and fenced: what a factory
 * makes is stored only if nothing has happened to its key since it was observed.
 *
 * @internal
 */
export class ReadThrough {
  readonly #flights = new Map<string, Flight>();
  readonly #refreshes = new Set<string>();

  constructor(private readonly parts: ReadThroughParts) {}

  /** The live entry, or what the factory makes. The value goes out through the cache's `release`. */
  wrap(
    key: string,
    factory: Factory,
    options: WrapOptions,
    defaultTtlMs: number,
  ): Awaitable<CacheEntry> {
    const found = this.parts.cache.find(key);
    return found instanceof Promise
      ? found.then((entry) => this.#use(entry, key, factory, options, defaultTtlMs))
      : this.#use(found, key, factory, options, defaultTtlMs);
  }

  #use(
    found: CacheEntry | undefined,
    key: string,
    factory: Factory,
    options: WrapOptions,
    defaultTtlMs: number,
  ): Awaitable<CacheEntry> {
    if (found === undefined) return this.#join({ key, factory, options, defaultTtlMs });
    if (options.refreshThreshold !== undefined && this.#isDue(found, options)) {
      this.#refresh({ key, factory, options, defaultTtlMs }, found);
    }
    return found;
  }

  /** Who comes after something happened to the key must not get what an older factory makes. */
  #join(call: Call): Promise<CacheEntry> {
    const flight = this.#flights.get(call.key);
    if (flight === undefined) return this.#depart(call);
    const isCurrent = this.#isCurrent(flight, call.options.tags);
    return isCurrent instanceof Promise
      ? isCurrent.then((stillIs) => this.#board(call, flight, stillIs))
      : this.#board(call, flight, isCurrent);
  }

  #board(call: Call, flight: Flight, isCurrent: boolean): Promise<CacheEntry> {
    if (isCurrent) return flight.entry;
    // Somebody else has found out as well, and is already on the way.
    if (this.#flights.get(call.key) !== flight) return this.#join(call);
    // What it makes will not be stored: it need not keep others waiting.
    flight.claim?.release();
    return this.#depart(call);
  }

  #isCurrent(flight: Flight, tags: readonly string[] = NO_TAGS): Awaitable<boolean> {
    if (flight.seen === undefined) return true;
    const { cache, pending, onSilentError } = this.parts;
    // When nobody can be asked, only this process's own writes are known.
    const isUntouched = flight.writes === pending.begun;
    const guess = (error: unknown): boolean => {
      onSilentError(error, 'reading');
      return isUntouched;
    };
    try {
      const isCurrent = cache.isCurrent(flight.seen, tags);
      return isCurrent instanceof Promise ? isCurrent.catch(guess) : isCurrent;
    } catch (error) {
      return guess(error);
    }
  }

  #depart(call: Call): Promise<CacheEntry> {
    const flight: Flight = {
      entry: this.#fill(call, (claim) => {
        flight.claim = claim;
        flight.seen = claim.observed.seen;
      }).finally(() => {
        if (this.#flights.get(call.key) === flight) this.#flights.delete(call.key);
      }),
      seen: undefined,
      claim: undefined,
      writes: this.parts.pending.begun,
    };
    this.#flights.set(call.key, flight);
    return flight.entry;
  }

  async #fill(call: Call, onStart: (claim: OwnClaim) => void): Promise<CacheEntry> {
    const { cache, drain, claims } = this.parts;
    for (;;) {
      // A deletion that still waits would come after what is observed here.
      await drain();
      const observed = await cache.observe(call.key, call.options.tags ?? NO_TAGS);
      if (observed.entry !== undefined) return observed.entry;
      const claim = await claims.claim(observed);
      if (!claim.isOurs) {
        await claim.ended();
        continue;
      }
      try {
        if (claim.observed.entry !== undefined) return claim.observed.entry;
        onStart(claim);
        return await this.#store(call, claim, await this.#make(call));
      } finally {
        claim.release();
      }
    }
  }

  #make({ factory }: Call): unknown {
    this.parts.counters.factories++;
    return factory();
  }

  async #store(call: Call, claim: OwnClaim, value: unknown): Promise<CacheEntry> {
    const { clock, maxValueBytes, onSilentError } = this.parts;
    if (value === undefined) return { value, expiresAt: clock.now() };
    let own: unknown = value;
    try {
      const expiresAt = this.#deadline(call, value);
      const captured = captureValue(value, maxValueBytes);
      own = captured.value;
      await this.#keep(call, claim, value, captured, expiresAt);
      return { value: own, expiresAt };
    } catch (error) {
      // A mistake in the program is told; a disk that is full must not take the page down.
      if (error instanceof UnsupportedValueError || error instanceof InvalidTtlError) throw error;
      if (!(error instanceof HyperCacheError)) throw error;
      onSilentError(error, 'storing what a factory made');
      return { value: own, expiresAt: clock.now() };
    }
  }

  async #keep(
    { key, options }: Call,
    claim: OwnClaim,
    made: unknown,
    captured: ReturnType<typeof captureValue>,
    expiresAt: number,
  ): Promise<void> {
    const { writer, counters } = this.parts;
    if (await writer.fill(claim, captured, expiresAt, options.tags)) {
      options.onStored?.(key, made);
    } else counters.fillsRefused++;
  }

  #deadline({ options, defaultTtlMs }: Call, value: unknown): number {
    const ttl = typeof options.ttl === 'function' ? options.ttl(value as never) : options.ttl;
    return expiresAtFor(ttl, defaultTtlMs, this.parts.clock);
  }

  #isDue(found: CacheEntry, { refreshThreshold }: WrapOptions): boolean {
    const { cache, clock } = this.parts;
    const threshold =
      typeof refreshThreshold === 'function'
        ? refreshThreshold(cache.release(found.value) as never)
        : refreshThreshold;
    return threshold !== undefined && found.expiresAt - clock.now() < threshold;
  }

  /** In the background; one process of all at a time, and nobody waits for it. */
  #refresh(call: Call, found: CacheEntry): void {
    const { key, options } = call;
    if (this.#refreshes.has(key)) return;
    this.#refreshes.add(key);
    this.#replace(call)
      .then(
        (made) => made && options.onRefreshed?.(key, made.value, undefined),
        (error: unknown) => {
          this.parts.onSilentError(new FactoryFailedError(error), 'refreshing an entry');
          options.onRefreshed?.(key, this.parts.cache.release(found.value), error);
        },
      )
      .finally(() => this.#refreshes.delete(key));
  }

  /** Resolves to what the factory made; to undefined when another process is about it. */
  async #replace(call: Call): Promise<{ value: unknown } | undefined> {
    const { cache, writer, drain, claims, maxValueBytes } = this.parts;
    await drain();
    const claim = await claims.claim(await cache.observe(call.key, call.options.tags ?? NO_TAGS));
    if (!claim.isOurs) return undefined;
    try {
      const value = await this.#make(call);
      if (value !== undefined) {
        const captured = captureValue(value, maxValueBytes);
        await this.#keep(call, claim, value, captured, this.#deadline(call, value));
      } else if (claim.observed.entry !== undefined) {
        // What the origin no longer has ends here, unless something newer stands there already.
        await writer.erase(claim);
      }
      return { value };
    } finally {
      claim.release();
    }
  }
}
