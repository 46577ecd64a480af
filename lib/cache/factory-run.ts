import type { Clock } from '../common/clock.js';
import {
  FactoryFailedError,
  FactoryTimeoutError,
  HyperCacheError,
  InvalidArgumentError,
  InvalidTtlError,
  UnsupportedValueError,
} from '../common/errors.js';
import type { CacheEvents, HyperCacheEvents } from '../common/events.js';
import { staleSince, type Lifetime } from '../common/expiry.js';
import type { Random } from '../common/random.js';
import { factoryTracing, type HyperCacheFactoryTrace } from '../common/traces.js';
import type { CacheCounters } from '../engine/cache-stats.js';
import type { Claims, OwnClaim } from '../engine/claims.js';
import type { Observation } from '../engine/l2.js';
import { captureValue } from '../value/capture.js';
import type { CacheWriter } from './cache-writer.js';
import type { Call } from './call.js';
import { FactoryContext } from './factory-context.js';
import type { Flight } from './flight.js';
import type { CacheEntry, Layer, TieredCache } from './tiered-cache.js';
import type { Throttle } from './throttle.js';

/** What a caller of `wrap` receives; the cache owns the value. @internal */
export interface Served extends Lifetime {
  readonly value: unknown;
  readonly layer: Layer | 'factory';
  /** Why the value is neither fresh nor what a factory has just made. */
  readonly reason?: 'refreshing' | 'error' | 'timeout' | 'throttled';
  /** What the factory failed with. */
  readonly error?: unknown;
}

/** @internal */
export interface FactoryRunParts {
  readonly namespace: string;
  readonly cache: TieredCache;
  readonly writer: CacheWriter;
  readonly counters: CacheCounters;
  readonly events: CacheEvents;
  readonly clock: Clock;
  readonly random: Random;
  readonly maxValueBytes: number;
  /** Commits what waits, so that an observation after it includes everything from before a factory began. */
  readonly drain: () => Promise<void>;
  readonly claims: Claims;
  /** For which failures a stale value is served, when the call does not say. */
  readonly graceOn: ((error: unknown) => boolean) | undefined;
  /** Reports what no caller sees: a value that was returned but not stored, or a refresh that failed. */
  readonly onSilentError: (error: unknown, during: string) => void;
}

type Outcome = HyperCacheEvents['factory']['outcome'];

/**
 * Runs a factory, from the claim of its key to its result. The claim holds among all processes that share the cache. The
 * result is fenced: it is stored only if the key has not changed since it was observed.
 *
 * @internal
 */
export class FactoryRun {
  constructor(
    private readonly parts: FactoryRunParts,
    private readonly throttle: Throttle,
  ) {}

  /** Resolves to undefined when another process replaces the entry, or when it is too early to replace it. */
  async land(call: Call, flight: Flight): Promise<Served | undefined> {
    const { cache, drain, claims } = this.parts;
    const isReplacing = flight.replaces !== undefined;
    for (;;) {
      await drain();
      const observed = await cache.observe(call.key, call.tags);
      const known = this.#answerIn(observed, flight);
      if (known !== undefined) return known;
      const claim = await claims.claim(observed, isReplacing);
      if (!claim.isOurs) {
        if (isReplacing) return undefined;
        await claim.ended();
        continue;
      }
      try {
        const stored = this.#answerIn(claim.observed, flight);
        if (stored !== undefined) return stored;
        if (flight.isAborted) return undefined;
        flight.begin(claim);
        return await this.#make(call, flight, claim);
      } catch (error) {
        this.fail(call, flight, error);
        throw error;
      } finally {
        claim.release();
      }
    }
  }

  /** The factory of an entry that stays has failed: it is not called again for a while. */
  fail(call: Call, flight: Flight, error: unknown): void {
    const { key } = call;
    const { replaces, claim, seen, reason } = flight;
    const isAnswer = !this.standsIn(call, error);
    if (replaces === undefined) {
      if (call.errorTtlMs > 0) this.throttle.remember(key, error, call.errorTtlMs, seen);
      return;
    }
    if (!isAnswer || reason !== 'grace') {
      this.parts.onSilentError(new FactoryFailedError(error), 'refreshing an entry');
    }
    const left = Math.ceil(replaces.expiresAt - this.parts.clock.now());
    const pauseMs = Math.min(call.retryAfterMs, left);
    // Otherwise other nodes would serve a stale value in the place of an answer.
    if (pauseMs > 0 && !isAnswer) claim?.fail(pauseMs);
    this.throttle.pause(key, replaces, pauseMs, isAnswer);
  }

  /** Whether a stale value is served for this failure. */
  standsIn({ options }: Call, error: unknown): boolean {
    const graceOn = options.graceOn ?? this.parts.graceOn;
    if (isMistake(error)) return false;
    if (graceOn === undefined) return true;
    try {
      return graceOn(error) === true;
    } catch (failure) {
      this.parts.onSilentError(new FactoryFailedError(failure), 'asking graceOn');
      return false;
    }
  }

  /** An entry that is already there: another process has made the wanted value. */
  #answerIn({ entry }: Observation, { reason, replaces }: Flight): CacheEntry | undefined {
    if (entry === undefined || reason === 'fresh') return undefined;
    if (!this.parts.cache.isFresh(entry)) return undefined;
    const isAsFound = reason === 'eager' && entry.freshUntil === replaces?.freshUntil;
    return isAsFound ? undefined : { ...entry, layer: 'l2' };
  }

  #make(call: Call, flight: Flight, claim: OwnClaim): Promise<Served> {
    if (!factoryTracing.hasSubscribers) return this.#run(call, flight, claim);
    const { namespace } = this.parts;
    const trace: HyperCacheFactoryTrace = { namespace, key: call.key, reason: flight.reason };
    const run = (): Promise<Served> => this.#run(call, flight, claim, trace);
    return factoryTracing.promise(trace, () =>
      trace.around === undefined ? run() : trace.around(run),
    );
  }

  async #run(
    call: Call,
    flight: Flight,
    claim: OwnClaim,
    trace?: HyperCacheFactoryTrace,
  ): Promise<Served> {
    const { counters, clock, onSilentError, cache } = this.parts;
    const { entry } = claim.observed;
    const replaced = entry && { value: cache.release(entry.value), staleSince: staleSince(entry) };
    const context = new FactoryContext(call.key, flight.reason, replaced, flight);
    const begun = clock.monotonic();
    const emit = (outcome: Outcome, error?: unknown): void => {
      // A factory that ends after its time ran out has two outcomes; its trace ends with the first one.
      if (trace !== undefined) trace.outcome ??= outcome;
      this.#emit(call, flight, clock.monotonic() - begun, outcome, error);
    };
    counters.factories++;
    let coming: unknown;
    try {
      coming = flight.call(() => call.make(context));
      const value = coming instanceof Promise ? await flight.inTime(coming) : coming;
      context.end();
      return await this.#store(call, flight, claim, { value, context, emit });
    } catch (error) {
      context.end();
      const isLate = error instanceof FactoryTimeoutError;
      if (!flight.isAborted) {
        if (isLate) counters.factoryTimeouts++;
        else counters.factoryErrors++;
        emit(isLate ? 'timeout' : 'failed', error);
      }
      if (isLate && coming instanceof Promise) {
        onSilentError(error, 'waiting for a factory');
        coming
          .then((value: unknown) => this.#store(call, flight, claim, { value, context, emit }))
          .catch((failure: unknown) =>
            onSilentError(new FactoryFailedError(failure), 'waiting for a factory'),
          );
      }
      throw error;
    }
  }

  async #store(
    call: Call,
    flight: Flight,
    claim: OwnClaim,
    { value, context, emit }: Made,
  ): Promise<Served> {
    const { onSilentError, writer } = this.parts;
    if (flight.isAborted) return served(value, this.#over());
    if (context.isSkipped) {
      emit('skipped');
      return served(value, this.#over());
    }
    let own: unknown = value;
    try {
      if (value === undefined) {
        // A value that the origin no longer has ends here, unless a newer one is already there.
        const isGone = claim.observed.entry === undefined || (await writer.erase(claim));
        emit(isGone ? 'stored' : 'refused');
        return served(value, this.#over());
      }
      const lifetime = call.lifetimeOf(value, context.adapted, this.parts.clock, this.parts.random);
      const captured = captureValue(value, this.parts.maxValueBytes);
      own = captured.value;
      const tags = context.adapted.tags ?? call.tags;
      const isStored = await writer.fill(claim, captured, lifetime, tags);
      this.throttle.lift(call.key);
      if (isStored) call.options.onStored?.(call.key, value);
      else this.parts.counters.fillsRefused++;
      emit(isStored ? 'stored' : 'refused');
      return served(own, lifetime);
    } catch (error) {
      // A mistake in the program reaches the caller; a full disk must not fail the request.
      if (!(error instanceof HyperCacheError) || isMistake(error)) throw error;
      onSilentError(error, 'storing what a factory made');
      emit('refused', error);
      if (flight.replaces !== undefined) this.fail(call, flight, error);
      return served(own, this.#over());
    }
  }

  #over(): Lifetime {
    const now = this.parts.clock.now();
    return { freshUntil: now, expiresAt: now };
  }

  #emit(call: Call, flight: Flight, ms: number, outcome: Outcome, error: unknown): void {
    const { factory } = this.parts.events.topics;
    if (!factory.hasListeners) return;
    const { namespace } = this.parts;
    const payload = { namespace, key: call.key, reason: flight.reason, ms, outcome };
    factory.emit(error === undefined ? payload : { ...payload, error });
  }
}

/** What a factory has made, and what it has set. */
interface Made {
  readonly value: unknown;
  readonly context: FactoryContext;
  readonly emit: (outcome: Outcome, error?: unknown) => void;
}

/** Whether the program made a mistake: no stale value hides it. */
function isMistake(error: unknown): boolean {
  return [UnsupportedValueError, InvalidTtlError, InvalidArgumentError].some(
    (kind) => error instanceof kind,
  );
}

function served(value: unknown, lifetime: Lifetime): Served {
  return { value, ...lifetime, layer: 'factory' };
}
