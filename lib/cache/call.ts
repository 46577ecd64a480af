import type { Clock } from '../common/clock.js';
import { lifetimeFor, NEVER, staleSince, type Lifetime } from '../common/expiry.js';
import type { Random } from '../common/random.js';
import { checkedMs, readTtl, windowOf, type WrapContext } from './policy.js';
import type { Adapted, Factory, WrapOptions } from './wrap-options.js';

/** Pause after a refresh that failed, by default. */
const RETRY_AFTER_MS = 10_000;

const NO_TAGS: readonly string[] = [];

/** What a caller wants a factory to make, and how to keep it. Made only when the factory may be called. @internal */
export class Call {
  constructor(
    readonly key: string,
    private readonly factory: Factory,
    readonly options: WrapOptions,
    private readonly defaultTtlMs: number,
  ) {}

  /** Calls the factory. */
  make(context: WrapContext<unknown>): unknown {
    const { factory } = this;
    return this.options.isBare === true
      ? (factory as () => unknown)()
      : factory(context as WrapContext<never>);
  }

  get tags(): readonly string[] {
    return this.options.tags ?? NO_TAGS;
  }

  get graceMs(): number {
    return checkedMs('grace', this.options.grace);
  }

  get softTimeoutMs(): number | undefined {
    const { softTimeout } = this.options;
    return softTimeout === undefined ? undefined : checkedMs('softTimeout', softTimeout);
  }

  get timeoutMs(): number | undefined {
    const { timeout } = this.options;
    return timeout === undefined ? undefined : checkedMs('timeout', timeout);
  }

  get retryAfterMs(): number {
    const { retryAfter } = this.options;
    return retryAfter === undefined ? RETRY_AFTER_MS : checkedMs('retryAfter', retryAfter);
  }

  get errorTtlMs(): number {
    return checkedMs('errorTtl', this.options.errorTtl);
  }

  /** Whether a factory that is too late is aborted. */
  get aborts(): boolean {
    return this.options.onTimeout === 'abort';
  }

  /** Whether the entry, stale or about to be, may be returned immediately. */
  mayAnswer(entry: Lifetime, now: number): boolean {
    const age = now - staleSince(entry);
    if (age < checkedMs('stale', this.options.stale)) return true;
    return this.softTimeoutMs === 0 && age < this.graceMs;
  }

  /** Whether the entry may take the place of a result when the factory fails. */
  mayFallBack(entry: Lifetime, now: number): boolean {
    return now - staleSince(entry) < this.graceMs;
  }

  /** How long a value from the factory lives. */
  lifetimeOf(value: unknown, adapted: Adapted, clock: Clock, random: Random): Lifetime {
    const { ttl: given, jitter = 0 } = this.options;
    let ttl = adapted.ttl ?? (typeof given === 'function' ? given(value as never) : given);
    if (jitter > 0) {
      const ms = readTtl(ttl ?? this.defaultTtlMs);
      // An entry that never ends has nothing to shorten.
      if (ms > 0 && ms < Infinity) ttl = ms * (1 - jitter * share(random));
    }
    const lifetime = lifetimeFor(ttl, this.defaultTtlMs, 0, clock);
    if (lifetime.freshUntil === NEVER) return lifetime;
    const { stale = this.options.stale, grace = this.options.grace } = adapted;
    return lifetimeFor(ttl, this.defaultTtlMs, windowOf({ stale, grace }), clock);
  }

  /** A hit with less than this many ms left begins a refresh; undefined means never. */
  thresholdOf(value: unknown): number | undefined {
    const { eager, refreshThreshold, ttl } = this.options;
    if (eager === undefined) {
      return typeof refreshThreshold === 'function'
        ? refreshThreshold(value as never)
        : refreshThreshold;
    }
    const given = typeof ttl === 'function' ? ttl(value as never) : ttl;
    const ms = readTtl(given ?? this.defaultTtlMs);
    return ms === 0 || ms === Infinity ? undefined : (1 - eager) * ms;
  }
}

/** A random number from 0 up to 1. */
function share(random: Random): number {
  return Number.parseInt(random.hex(4), 16) / 2 ** 32;
}
