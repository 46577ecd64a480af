import type { Awaitable } from '../common/awaitable.js';
import type { StoredValue } from '../value/codec.js';
import type { CommandOf } from './command.js';
import type { Observation } from './l2.js';

/** What a factory made. @internal */
export interface FilledEntry {
  readonly value: StoredValue;
  /** Unix ms; Infinity when it never expires; 0 when the origin has nothing any more. */
  readonly expiresAt: number;
  /** Unix ms, when it is stale; undefined means `expiresAt`. */
  readonly freshUntil?: number | undefined;
  readonly tags: readonly string[];
}

/** The right to call the factory of a key. Its engine keeps it alive until it is given back, for a bounded time. @internal */
export interface OwnClaim {
  readonly isOurs: true;
  /** The key as it is since the right is ours: the holder before may have stored what is wanted. */
  readonly observed: Observation;
  /** The command that stores the entry, if nothing has happened to its key since it was observed. */
  fillWith(entry: FilledEntry): CommandOf<'fill'>;
  /** Gives the right back, but to no process for so many ms, or until the entry that was observed has changed. */
  fail(retryAfterMs: number): void;
  /** Gives the right back. Idempotent; after {@link fail} it does nothing. */
  release(): void;
}

/** Another process has it. @internal */
export interface HeldClaim {
  readonly isOurs: false;
  /** Resolves when it may have ended; never rejects. */
  ended(): Promise<void>;
}

/**
 * Who may call the factories of one namespace: one process of all that share the cache at a time. A claim is of what
 * was observed: of a missing key, or of a new value in the place of the entry that was found.
 *
 * @internal
 */
export interface Claims {
  /**
   * Never fails: when the engine cannot be asked, each caller has the right. At once when no other process shares the cache.
   *
   * @param isReplacing the entry that was observed serves in the meantime; else the key counts as missing
   */
  claim(observed: Observation, isReplacing: boolean): Awaitable<OwnClaim | HeldClaim>;
}
