import type { Clock } from '../common/clock.js';
import type { Lifetime } from '../common/expiry.js';
import { keepNewest } from '../common/keep-newest.js';
import type { Seen } from '../engine/l2.js';

/** Keys whose factories must not be called yet, at most; with more, the oldest may be called too early. */
const MAX_KEYS = 10_000;

/** Time between two checks whether another process still refreshes a key. */
const HELD_MS = 1000;

interface Pause extends Lifetime {
  /** Monotonic ms. */
  readonly until: number;
  /** The failure was an answer: no stale value replaces it. */
  readonly isAnswer: boolean;
}

/** A failure that callers receive again. @internal */
export interface Failure {
  readonly error: unknown;
  /** Monotonic ms. */
  readonly until: number;
  /** The moment at which its key was observed. */
  readonly seen: Seen | undefined;
}

/** What this process knows about failures of the factories of one namespace. @internal */
export class Throttle {
  readonly #pauses = new Map<string, Pause>();
  readonly #failures = new Map<string, Failure>();

  constructor(private readonly clock: Clock) {}

  /**
   * Whether it is too early to call the factory for the entry.
   *
   * @param waits the caller would wait for the factory: then an earlier answer does not count
   */
  isPaused(key: string, { freshUntil, expiresAt }: Lifetime, waits = false): boolean {
    const pause = this.#pauses.get(key);
    if (pause === undefined) return false;
    // Another entry has no pause.
    const isOfEntry = pause.freshUntil === freshUntil && pause.expiresAt === expiresAt;
    if (isOfEntry && this.clock.monotonic() < pause.until) return !(waits && pause.isAnswer);
    this.#pauses.delete(key);
    return false;
  }

  /** Forbids calls of the factory for this many ms; by default, until another process may have ended. */
  pause(key: string, { freshUntil, expiresAt }: Lifetime, ms = HELD_MS, isAnswer = false): void {
    const until = this.clock.monotonic() + ms;
    keepNewest(this.#pauses, key, { freshUntil, expiresAt, until, isAnswer }, MAX_KEYS);
  }

  /** Callers receive the error for this many ms. */
  remember(key: string, error: unknown, ms: number, seen: Seen | undefined): void {
    const until = this.clock.monotonic() + ms;
    keepNewest(this.#failures, key, { error, until, seen }, MAX_KEYS);
  }

  failureOf(key: string): Failure | undefined {
    const failure = this.#failures.get(key);
    if (failure === undefined || this.clock.monotonic() < failure.until) return failure;
    this.#failures.delete(key);
    return undefined;
  }

  lift(key: string): void {
    this.#pauses.delete(key);
    this.#failures.delete(key);
  }
}
