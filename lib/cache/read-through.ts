import type { Awaitable } from '../common/awaitable.js';
import { ClosedError, FactoryFailedError, FactoryTimeoutError } from '../common/errors.js';
import { staleSince } from '../common/expiry.js';
import { Call } from './call.js';
import { FactoryRun, type FactoryRunParts, type Served } from './factory-run.js';
import { Flight } from './flight.js';
import { Flights, type Flown } from './flights.js';
import type { PendingWrites } from './pending-writes.js';
import type { CacheEntry } from './tiered-cache.js';
import { Throttle } from './throttle.js';
import { GONE, LATE, within } from './within.js';
import type { Factory, WrapOptions } from './wrap-options.js';

/** @internal */
export interface ReadThroughParts extends FactoryRunParts {
  readonly pending: PendingWrites;
}

/**
 * `wrap` returns a fresh value, otherwise a stale value that may be served, otherwise what the factory makes. One factory of
 * a key runs at a time, in the process and, by claims, among all that share the cache.
 *
 * @internal
 */
export class ReadThrough {
  readonly #throttle: Throttle;
  readonly #runs: FactoryRun;
  readonly #flights: Flights;

  constructor(private readonly parts: ReadThroughParts) {
    this.#throttle = new Throttle(parts.clock);
    this.#runs = new FactoryRun(parts, this.#throttle);
    this.#flights = new Flights(parts, this.#runs, this.#throttle);
  }

  /** Callers receive the value through the cache's `release`. */
  wrap(
    key: string,
    factory: Factory,
    options: WrapOptions,
    defaultTtlMs: number,
  ): Awaitable<Served> {
    const { signal, fresh } = options;
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    if (fresh === true) return this.#makeAnew(new Call(key, factory, options, defaultTtlMs));
    const takesStale = options.stale !== undefined || options.grace !== undefined;
    const found = this.parts.cache.find(key, takesStale);
    return found instanceof Promise
      ? found.then((entry) => this.#use(entry, key, factory, options, defaultTtlMs))
      : this.#use(found, key, factory, options, defaultTtlMs);
  }

  /** What the factory makes of a key that was missed. */
  make(key: string, factory: Factory, options: WrapOptions, defaultTtlMs: number): Promise<Served> {
    return this.#make(new Call(key, factory, options, defaultTtlMs));
  }

  #use(
    found: CacheEntry | undefined,
    key: string,
    factory: Factory,
    options: WrapOptions,
    defaultTtlMs: number,
  ): Awaitable<Served> {
    if (found === undefined) return this.#make(new Call(key, factory, options, defaultTtlMs));
    const { stale, grace, eager, refreshThreshold } = options;
    if ((stale !== undefined || grace !== undefined) && !this.parts.cache.isFresh(found)) {
      return this.#useStale(new Call(key, factory, options, defaultTtlMs), found);
    }
    if (eager !== undefined || refreshThreshold !== undefined) {
      const call = new Call(key, factory, options, defaultTtlMs);
      const isPaused = this.#throttle.isPaused(key, found);
      if (!isPaused && this.#isDue(call, found)) this.#refresh(call, found, 'eager');
    }
    return found;
  }

  #useStale(call: Call, found: CacheEntry): Awaitable<Served> {
    const { cache, clock } = this.parts;
    const now = clock.coarseNow();
    if (call.mayAnswer(found, now)) {
      const isPaused = this.#throttle.isPaused(call.key, found);
      if (!isPaused) this.#refresh(call, found, 'stale');
      return this.#serve(call, found, isPaused ? 'throttled' : 'refreshing');
    }
    if (!call.mayFallBack(found, now)) {
      cache.missed(call.key);
      return this.#make(call);
    }
    if (this.#throttle.isPaused(call.key, found, true))
      return this.#serve(call, found, 'throttled');
    return this.#make(call, found);
  }

  #isDue(call: Call, found: CacheEntry): boolean {
    const { cache, clock } = this.parts;
    const threshold = call.thresholdOf(cache.release(found.value));
    return threshold !== undefined && found.freshUntil - clock.now() < threshold;
  }

  /** @param found a stale entry that may take the place of the factory's result */
  async #make(call: Call, found?: CacheEntry): Promise<Served> {
    Flight.assertNoCircle(this.#flights, call.key);
    const failure = found === undefined ? this.#flights.failureOf(call) : undefined;
    const known = failure instanceof Promise ? await failure : failure;
    if (known !== undefined) throw known.error;
    const coming = this.#flights.of(call, found);
    const flown = coming instanceof Promise ? await coming : coming;
    // Its last caller may have just left.
    return flown.flight.isAborted ? this.#make(call, found) : this.#ride(call, flown, found);
  }

  async #makeAnew(call: Call): Promise<Served> {
    Flight.assertNoCircle(this.#flights, call.key);
    return this.#ride(call, this.#flights.anew(call));
  }

  /** One caller's wait for a flight, with its own times and its own signal. */
  async #ride(call: Call, flown: Flown, found?: CacheEntry): Promise<Served> {
    const { flight, landing } = flown;
    const { timeoutMs, options } = call;
    const { signal } = options;
    const softMs = found === undefined ? undefined : call.softTimeoutMs;
    flight.join(landing);
    flight.board();
    let landed: Awaited<ReturnType<typeof within<Served | undefined>>>;
    try {
      landed = await within(landing, softMs ?? timeoutMs, signal);
      if (landed === LATE && softMs !== undefined) {
        const entry = await this.#standIn(call);
        // The flight continues without this caller.
        if (entry !== undefined) return this.#serve(call, entry, 'timeout');
        landed = await within(landing, timeoutMs && timeoutMs - softMs, signal);
      }
    } catch (error) {
      return this.#failed(call, flight, found, error);
    }
    if (landed === GONE) {
      flight.leave(signal?.reason);
      throw signal?.reason;
    }
    if (landed === LATE) return this.#late(call, flight);
    if (landed === undefined) return this.#heldElsewhere(call, found);
    if (found !== undefined) this.parts.cache.missed(call.key);
    return landed;
  }

  async #failed(
    call: Call,
    flight: Flight,
    found: CacheEntry | undefined,
    error: unknown,
  ): Promise<Served> {
    // The flight was to replace an entry that this caller cannot use.
    if (found === undefined && flight.replaces !== undefined) return this.#make(call);
    const entry = this.#runs.standsIn(call, error) ? await this.#standIn(call) : undefined;
    if (entry === undefined) throw error;
    return this.#serve(call, entry, 'error', error);
  }

  async #late(call: Call, flight: Flight): Promise<Served> {
    const error = this.#giveUp(call, flight);
    const entry = await this.#standIn(call);
    if (entry === undefined) throw error;
    return this.#serve(call, entry, 'timeout', error);
  }

  #giveUp(call: Call, flight: Flight): FactoryTimeoutError {
    const error = new FactoryTimeoutError(call.key, call.timeoutMs ?? 0, call.aborts);
    this.parts.counters.factoryTimeouts++;
    if (!call.aborts) return error;
    if (flight.hasOneSeat) this.#runs.fail(call, flight, error);
    flight.leave(error);
    return error;
  }

  async #heldElsewhere(call: Call, found: CacheEntry | undefined): Promise<Served> {
    if (found === undefined) return this.#make(call);
    this.#throttle.pause(call.key, found);
    const entry = await this.#standIn(call);
    return entry === undefined ? this.#make(call) : this.#serve(call, entry, 'refreshing');
  }

  /**
   * What the caller may receive instead, as of now: an entry that was written in the meantime, but never one that was
   * deleted.
   */
  async #standIn(call: Call): Promise<CacheEntry | undefined> {
    if (call.graceMs === 0) return undefined;
    const { cache, drain, clock } = this.parts;
    await drain();
    const { entry } = await cache.observe(call.key, call.tags);
    if (entry === undefined) return undefined;
    const mayServe = cache.isFresh(entry) || call.mayFallBack(entry, clock.now());
    return mayServe ? { ...entry, layer: 'l2' } : undefined;
  }

  #serve(
    call: Call,
    entry: CacheEntry,
    reason: NonNullable<Served['reason']>,
    error?: unknown,
  ): Served {
    const { cache, counters, clock, events, namespace } = this.parts;
    const { value, freshUntil, expiresAt, layer } = entry;
    const served = { value, freshUntil, expiresAt, layer, reason };
    if (!cache.isFresh(entry)) {
      counters.staleHits++;
      if (reason === 'throttled') counters.throttled++;
      const { stale } = events.topics;
      if (stale.hasListeners) {
        const age = clock.now() - staleSince(entry);
        stale.emit({ namespace, key: call.key, layer, reason, age });
      }
    }
    return error === undefined ? served : { ...served, error };
  }

  /** Refreshes in the background: one process at a time does this, and no caller waits for it. */
  #refresh(call: Call, found: CacheEntry, reason: 'stale' | 'eager'): void {
    const flown = this.#flights.behind(call, reason, found);
    if (flown === undefined) return;
    this.parts.counters.refreshes++;
    this.#watch(call, flown, found).catch((error: unknown) =>
      this.parts.onSilentError(new FactoryFailedError(error), 'reporting a refresh'),
    );
  }

  async #watch(call: Call, begun: Awaitable<Flown | undefined>, found: CacheEntry): Promise<void> {
    const flown = await begun;
    if (flown === undefined) return;
    const { flight, landing } = flown;
    const { cache } = this.parts;
    const { onRefreshed } = call.options;
    const failed = (error: unknown): void =>
      onRefreshed?.(call.key, cache.release(found.value), error);
    flight.board();
    let landed: Awaited<ReturnType<typeof within<Served | undefined>>>;
    try {
      landed = await within(landing, call.aborts ? call.timeoutMs : undefined);
    } catch (error) {
      failed(error);
      return;
    }
    if (landed === LATE) failed(this.#giveUp(call, flight));
    else if (landed === undefined) this.#throttle.pause(call.key, found);
    else if (landed !== GONE) onRefreshed?.(call.key, cache.release(landed.value), undefined);
  }

  /** Lets background refreshes end within a time, in ms; then aborts all factories. */
  close(timeoutMs: number): Promise<void> {
    return this.#flights.close(timeoutMs, new ClosedError());
  }
}
