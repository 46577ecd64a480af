import type { Awaitable } from '../common/awaitable.js';
import type { Call } from './call.js';
import type { FactoryRun, FactoryRunParts, Served } from './factory-run.js';
import { Flight } from './flight.js';
import type { PendingWrites } from './pending-writes.js';
import type { WrapContext } from './policy.js';
import type { CacheEntry } from './tiered-cache.js';
import type { Failure, Throttle } from './throttle.js';
import { within } from './within.js';

/** A flight that others can join. @internal */
export interface Flown {
  readonly flight: Flight;
  /** Resolves to undefined when another process replaces the entry. */
  readonly landing: Promise<Served | undefined>;
}

type Reason = WrapContext<never>['reason'];

/** The running factories of one namespace in this process, one per key. @internal */
export class Flights {
  readonly #flown = new Map<string, Flown>();
  /** Flights for callers of `fresh` whose factories have not begun. */
  readonly #waiting = new Map<string, Flown>();

  constructor(
    private readonly parts: FactoryRunParts & { readonly pending: PendingWrites },
    private readonly runs: FactoryRun,
    private readonly throttle: Throttle,
  ) {}

  /** The flight of the key, unless the key has changed since it began; otherwise a new one. */
  of(call: Call, found: CacheEntry | undefined): Awaitable<Flown> {
    const flown = this.#flown.get(call.key);
    if (flown === undefined) return this.#departFor(call, found);
    const isCurrent = this.#isCurrent(flown.flight, call.tags);
    return isCurrent instanceof Promise
      ? isCurrent.then((stillIs) => this.#board(call, flown, stillIs, found))
      : this.#board(call, flown, isCurrent, found);
  }

  /** A new flight that no caller waits for; undefined when one of the key is under way. */
  behind(call: Call, reason: Reason, found: CacheEntry): Awaitable<Flown | undefined> {
    const flown = this.#flown.get(call.key);
    if (flown === undefined) return this.#depart(call, reason, found);
    const unless = (isCurrent: boolean): Flown | undefined =>
      isCurrent || this.#flown.get(call.key) !== flown
        ? undefined
        : this.#depart(call, reason, found);
    const isCurrent = this.#isCurrent(flown.flight, call.tags);
    return isCurrent instanceof Promise ? isCurrent.then(unless) : unless(isCurrent);
  }

  /** A flight whose factory begins after this call. */
  anew(call: Call): Flown {
    const { key } = call;
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined) return waiting;
    const before = this.#flown.get(key);
    const flight = this.#flightOf(key, 'fresh', undefined, () => this.#waiting.delete(key));
    const flown = this.#add(flight, this.#flyAnew(call, flight, before));
    this.#waiting.set(key, flown);
    return flown;
  }

  /** The failure that callers of this node still receive for the key, if the key has not changed since then. */
  failureOf({ key, tags }: Call): Awaitable<Failure | undefined> {
    const failure = this.throttle.failureOf(key);
    if (failure?.seen === undefined) return failure;
    const unless = (isCurrent: boolean): Failure | undefined => (isCurrent ? failure : undefined);
    const isCurrent = this.parts.cache.isCurrent(failure.seen, tags);
    return isCurrent instanceof Promise ? isCurrent.then(unless, () => failure) : unless(isCurrent);
  }

  /** Resolves when no factory runs any more; those that still run after a time, in ms, are aborted. */
  async close(timeoutMs: number, reason: unknown): Promise<void> {
    const flown = Array.from(this.#flown.values());
    const refreshes = flown.filter(({ flight }) => isBackground(flight));
    const landings = refreshes.map(({ landing }) => landing.catch(() => undefined));
    await within(Promise.all(landings), timeoutMs);
    for (const { flight } of flown) flight.abort(reason);
  }

  #board(
    call: Call,
    flown: Flown,
    isCurrent: boolean,
    found: CacheEntry | undefined,
  ): Awaitable<Flown> {
    if (isCurrent && !flown.flight.isAborted) return flown;
    // Another call has noticed the change too, and has already begun a factory.
    if (this.#flown.get(call.key) !== flown) return this.of(call, found);
    // Its result will not be stored, so it need not keep others waiting.
    flown.flight.claim?.release();
    return this.#departFor(call, found);
  }

  #departFor(call: Call, found: CacheEntry | undefined): Flown {
    return this.#depart(call, found === undefined ? 'miss' : 'grace', found);
  }

  #depart(call: Call, reason: Reason, found: CacheEntry | undefined): Flown {
    const flight = this.#flightOf(call.key, reason, found);
    return this.#add(flight, this.runs.land(call, flight));
  }

  #flightOf(key: string, reason: Reason, found?: CacheEntry, onBegin?: () => void): Flight {
    return new Flight(this, key, this.parts.pending.begun, { reason, replaces: found, onBegin });
  }

  #add(flight: Flight, coming: Promise<Served | undefined>): Flown {
    const { key } = flight;
    const landing = coming.finally(() => {
      if (this.#flown.get(key) === flown) this.#flown.delete(key);
    });
    const flown = { flight, landing };
    this.#flown.set(key, flown);
    return flown;
  }

  async #flyAnew(
    call: Call,
    flight: Flight,
    before: Flown | undefined,
  ): Promise<Served | undefined> {
    const { writer, onSilentError } = this.parts;
    try {
      await before?.landing.catch(() => undefined);
      // A factory that others have begun may have read before the caller's write; from here on it is out of date.
      await writer
        .expire(call.key, true)
        .catch((error: unknown) => onSilentError(error, 'beginning again'));
      this.throttle.lift(call.key);
      return await this.runs.land(call, flight);
    } finally {
      if (this.#waiting.get(call.key)?.flight === flight) this.#waiting.delete(call.key);
    }
  }

  #isCurrent(flight: Flight, tags: readonly string[]): Awaitable<boolean> {
    if (flight.isAborted) return false;
    if (flight.seen === undefined) return true;
    const { cache, pending, onSilentError } = this.parts;
    // When the engine is unavailable, only this process's own writes are known.
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
}

/** Whether the flight runs in the background: its callers already have a value, or there never were any. */
function isBackground({ reason }: Flight): boolean {
  return reason === 'stale' || reason === 'eager';
}
