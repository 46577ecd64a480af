import type { Duration } from '../common/duration.js';

/** How `wrap` stores what a factory makes. @internal */
export interface WrapOptions {
  /** Milliseconds; 0 means no expiry; undefined means the default. */
  readonly ttl?: Duration | ((value: never) => Duration | undefined) | undefined;
  /** With less than this many ms left, a hit also starts the factory in the background. */
  readonly refreshThreshold?: number | ((value: never) => number) | undefined;
  /** Milliseconds in which no node refreshes an entry again when that has failed. */
  readonly retryAfter?: number | undefined;
  readonly tags?: readonly string[] | undefined;
  /** Called with what a factory made and the cache has stored. */
  readonly onStored?: ((key: string, value: unknown) => void) | undefined;
  /** Called when a background refresh has ended. */
  readonly onRefreshed?: ((key: string, value: unknown, error: unknown) => void) | undefined;
}

/** @internal */
export type Factory = () => unknown;

/** What a caller wants to be made. @internal */
export interface Call {
  readonly key: string;
  readonly factory: Factory;
  readonly options: WrapOptions;
  readonly defaultTtlMs: number;
}
