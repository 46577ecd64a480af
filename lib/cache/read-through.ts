import type { Awaitable } from '../common/awaitable.js';
import type { Clock } from '../common/clock.js';
import {
  FactoryFailedError,
  FactoryTimeoutError,
  HyperCacheError,
  InvalidTtlError,
  UnsupportedValueError,
} from '../common/errors.js';
import { lifetimeFor, type Lifetime } from '../common/expiry.js';
import type { CacheCounters } from '../engine/cache-stats.js';
import type { Claims, OwnClaim } from '../engine/claims.js';
import type { Observation } from '../engine/l2.js';
import { captureValue } from '../value/capture.js';
import type { CacheWriter } from './cache-writer.js';
import { Flight } from './flight.js';
import type { PendingWrites } from './pending-writes.js';
import { Refreshes } from './refreshes.js';
import type { CacheEntry, TieredCache } from './tiered-cache.js';
import type { Call, Factory, WrapOptions } from './wrap-options.js';

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

/** A flight that others can join. */
interface Flown {
  readonly flight: Flight;
  readonly entry: Promise<CacheEntry>;
}

const NO_TAGS: readonly string[] = [];

/** After a refresh that failed, by default. */
const RETRY_AFTER_MS = 10_000;

/**
 * `wrap`: single-flight within the process and, by claims, among all that share the cache; and fenced: what a factory
 * makes is stored only if nothing has happened to its key since it was observed.
 *
 * @internal
 */
export class ReadThrough {
  readonly #flights = new Map<string, Flown>();
  readonly #refreshes: Refreshes;

  constructor(private readonly parts: ReadThroughParts) {
    this.#refreshes = new Refreshes(parts.clock);
  }

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
    if (found === undefined) return this.#seek({ key, factory, options, defaultTtlMs });
    if (options.refreshThreshold !== undefined && this.#isDue(found, options)) {
      this.#refresh({ key, factory, options, defaultTtlMs }, found);
    }
    return found;
  }

  #seek(call: Call): Promise<CacheEntry> {
    try {
      Flight.assertNoCircle(this, call.key);
      return this.#join(call);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** A call that comes after something happened to the key must not get what an older factory makes. */
  #join(call: Call): Promise<CacheEntry> {
    const flown = this.#flights.get(call.key);
    if (flown === undefined) return this.#depart(call);
    const isCurrent = this.#isCurrent(flown.flight, call.options.tags);
    return isCurrent instanceof Promise
      ? isCurrent.then((stillIs) => this.#board(call, flown, stillIs))
      : this.#board(call, flown, isCurrent);
  }

  #board(call: Call, flown: Flown, isCurrent: boolean): Promise<CacheEntry> {
    const { flight, entry } = flown;
    if (isCurrent) {
      flight.join(entry);
      return entry;
    }
    // Another call has found out as well, and has a factory on the way.
    if (this.#flights.get(call.key) !== flown) return this.#join(call);
    // What it makes will not be stored: it need not keep others waiting.
    flight.claim?.release();
    return this.#depart(call);
  }

  #isCurrent(flight: Flight, tags: readonly string[] = NO_TAGS): Awaitable<boolean> {
    if (flight.seen === undefined) return true;
    const { cache, pending, onSilentError } = this.parts;
    // When the engine cannot be asked, only this process's own writes are known.
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
    const { key } = call;
    const flight = new Flight(this, key, this.parts.pending.begun);
    const entry = this.#fill(call, flight).finally(() => {
      if (this.#flights.get(key) === flown) this.#flights.delete(key);
    });
    const flown = { flight, entry };
    this.#flights.set(key, flown);
    flight.join(entry);
    return entry;
  }

  async #fill(call: Call, flight: Flight): Promise<CacheEntry> {
    const { cache, drain, claims } = this.parts;
    const { key, options } = call;
    for (;;) {
      // What a refresh makes that has outlived its entry is what is wanted.
      const refresh = this.#refreshes.of(key);
      if (refresh !== undefined) await refresh;
      // A deletion that still waits would come after what is observed here.
      await drain();
      const observed = await cache.observe(key, options.tags ?? NO_TAGS);
      const known = this.#fresh(observed);
      if (known !== undefined) return known;
      const claim = await claims.claim(observed);
      if (!claim.isOurs) {
        await claim.ended();
        continue;
      }
      try {
        const stored = this.#fresh(claim.observed);
        if (stored !== undefined) return stored;
        flight.begin(claim);
        const made = await this.#make(call, flight, (late) => this.#store(call, claim, late));
        return await this.#store(call, claim, made);
      } finally {
        claim.release();
      }
    }
  }

  /** @param keep what is done with a value that comes when nobody waits for it any more */
  #make(
    { factory }: Call,
    flight: Flight,
    keep: (late: unknown) => Promise<unknown>,
  ): Awaitable<unknown> {
    const { counters, onSilentError } = this.parts;
    counters.factories++;
    const coming = flight.call(factory);
    if (!(coming instanceof Promise)) return coming;
    return flight.inTime(coming).catch((error: unknown) => {
      if (error instanceof FactoryTimeoutError) {
        onSilentError(error, 'waiting for a factory');
        coming
          .then(keep)
          .catch((failure: unknown) =>
            onSilentError(new FactoryFailedError(failure), 'waiting for a factory'),
          );
      }
      throw error;
    });
  }

  async #store(call: Call, claim: OwnClaim, value: unknown): Promise<CacheEntry> {
    const { clock, maxValueBytes, onSilentError } = this.parts;
    if (value === undefined) return entryOf(value, ended(clock));
    let own: unknown = value;
    try {
      const lifetime = this.#lifetime(call, value);
      const captured = captureValue(value, maxValueBytes);
      own = captured.value;
      await this.#keep(call, claim, value, captured, lifetime);
      return entryOf(own, lifetime);
    } catch (error) {
      // A mistake in the program is told; a disk that is full must not take the page down.
      if (error instanceof UnsupportedValueError || error instanceof InvalidTtlError) throw error;
      if (!(error instanceof HyperCacheError)) throw error;
      onSilentError(error, 'storing what a factory made');
      return entryOf(own, ended(clock));
    }
  }

  async #keep(
    { key, options }: Call,
    claim: OwnClaim,
    made: unknown,
    captured: ReturnType<typeof captureValue>,
    lifetime: Lifetime,
  ): Promise<void> {
    const { writer, counters } = this.parts;
    if (await writer.fill(claim, captured, lifetime, options.tags)) {
      options.onStored?.(key, made);
    } else counters.fillsRefused++;
  }

  #fresh({ entry }: Observation): CacheEntry | undefined {
    if (entry === undefined || !this.parts.cache.isFresh(entry)) return undefined;
    return { ...entry, layer: 'l2' };
  }

  #lifetime({ options, defaultTtlMs }: Call, value: unknown): Lifetime {
    const ttl = typeof options.ttl === 'function' ? options.ttl(value as never) : options.ttl;
    return lifetimeFor(ttl, defaultTtlMs, 0, this.parts.clock);
  }

  #isDue(found: CacheEntry, { refreshThreshold }: WrapOptions): boolean {
    const { cache, clock } = this.parts;
    const threshold =
      typeof refreshThreshold === 'function'
        ? refreshThreshold(cache.release(found.value) as never)
        : refreshThreshold;
    return threshold !== undefined && found.freshUntil - clock.now() < threshold;
  }

  /** In the background; one process of all at a time, and no caller waits for it. */
  #refresh(call: Call, found: CacheEntry): void {
    const { key, options } = call;
    const { cache, onSilentError } = this.parts;
    if (!this.#refreshes.mayBegin(key, found)) return;
    const tell = (value: unknown, error: unknown): void => options.onRefreshed?.(key, value, error);
    const failed = (error: unknown): void => {
      onSilentError(new FactoryFailedError(error), 'refreshing an entry');
      tell(cache.release(found.value), error);
    };
    this.#refreshes
      .begin(key, this.#replace(call, found))
      .then((made) => made && tell(made.value, undefined), failed)
      .catch((error: unknown) =>
        onSilentError(new FactoryFailedError(error), 'telling of a refresh'),
      );
  }

  /** Resolves to what the factory made; to undefined when another process is about it. */
  async #replace(call: Call, found: CacheEntry): Promise<{ value: unknown } | undefined> {
    const { cache, drain, claims, pending, clock } = this.parts;
    const { key, options } = call;
    await drain();
    const claim = await claims.claim(await cache.observe(key, options.tags ?? NO_TAGS));
    if (!claim.isOurs) {
      this.#refreshes.pause(key, found);
      return undefined;
    }
    try {
      const flight = new Flight(this, key, pending.begun);
      const keep = (value: unknown): Promise<void> => this.#renew(call, claim, value);
      const value = await this.#make(call, flight, keep);
      await keep(value);
      return { value };
    } catch (error) {
      const left = Math.ceil(found.expiresAt - clock.now());
      const pauseMs = Math.min(options.retryAfter ?? RETRY_AFTER_MS, left);
      if (pauseMs > 0) claim.fail(pauseMs);
      this.#refreshes.pause(key, found, pauseMs);
      throw error;
    } finally {
      claim.release();
    }
  }

  async #renew(call: Call, claim: OwnClaim, value: unknown): Promise<void> {
    if (value !== undefined) {
      const captured = captureValue(value, this.parts.maxValueBytes);
      await this.#keep(call, claim, value, captured, this.#lifetime(call, value));
    } else if (claim.observed.entry !== undefined) {
      // What the origin no longer has ends here, unless something newer stands there already.
      await this.parts.writer.erase(claim);
    }
  }
}

function entryOf(value: unknown, lifetime: Lifetime): CacheEntry {
  return { value, ...lifetime, layer: 'l2' };
}

function ended(clock: Clock): Lifetime {
  const now = clock.now();
  return { freshUntil: now, expiresAt: now };
}
