import type { Awaitable } from '../common/awaitable.js';
import type { StoredValue } from '../value/codec.js';
import type { CommandOf } from './command.js';
import type { Observation } from './l2.js';

/** What a factory made. @internal */
export interface FilledEntry {
  readonly value: StoredValue;
  /** Unix ms; Infinity when it never expires; 0 when the origin no longer has it. */
  readonly expiresAt: number;
  /** When it becomes stale, in Unix ms; undefined means `expiresAt`. */
  readonly freshUntil?: number | undefined;
  readonly tags: readonly string[];
}

/** The right to call the factory of a key. The engine keeps it alive until it is released, for a bounded time. @internal */
export interface OwnClaim {
  readonly isOurs: true;
  /** The key as observed after this process got the right: the previous holder may have stored the wanted entry. */
  readonly observed: Observation;
  /** The command that stores the entry, if its key has not changed since it was observed. */
  fillWith(entry: FilledEntry): CommandOf<'fill'>;
  /** Releases the right, but withholds it from every process for this many ms, or until the observed entry has changed. */
  fail(retryAfterMs: number): void;
  /** Releases the right. Idempotent; after {@link fail} it does nothing. */
  release(): void;
}

/** Another process has the right. @internal */
export interface HeldClaim {
  readonly isOurs: false;
  /** Resolves when it may have ended; never rejects. */
  ended(): Promise<void>;
}

/**
 * Decides which process may call the factories of one namespace: one at a time among all that share the cache. A claim
 * applies to what was observed: to a missing key, or to the replacement of the entry that was found.
 *
 * @internal
 */
export interface Claims {
  /**
   * Never fails: when the engine is unavailable, each caller has the right. Returns immediately when no other process shares
   * the cache.
   *
   * @param isReplacing the observed entry serves in the meantime; otherwise the key counts as missing
   */
  claim(observed: Observation, isReplacing: boolean): Awaitable<OwnClaim | HeldClaim>;
}
