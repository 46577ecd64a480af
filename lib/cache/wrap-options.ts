import type { Duration } from '../common/duration.js';
import type { PolicyOptions, WrapContext } from './policy.js';

/** How one call of `wrap` is served. @internal */
export interface WrapOptions extends PolicyOptions {
  /** The name of a policy, resolved by the named cache. */
  readonly policy?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly fresh?: boolean | undefined;
  /** The factory is called without arguments. */
  readonly isBare?: boolean | undefined;
  /** Called with a value that a factory made and the cache stored. */
  readonly onStored?: ((key: string, value: unknown) => void) | undefined;
  /** Called when a background refresh has ended. */
  readonly onRefreshed?: ((key: string, value: unknown, error: unknown) => void) | undefined;
}

/** @internal */
export type Factory = (context: WrapContext<never>) => unknown;

/** What a factory overrides through its context. @internal */
export interface Adapted {
  readonly ttl?: Duration | undefined;
  readonly stale?: Duration | undefined;
  readonly grace?: Duration | undefined;
  readonly tags?: readonly string[] | undefined;
}

/** Whether a fresh hit is returned whatever its deadlines are. @internal */
export function isPlain({
  stale,
  grace,
  eager,
  refreshThreshold,
  signal,
  fresh,
}: WrapOptions): boolean {
  return (
    stale === undefined &&
    grace === undefined &&
    eager === undefined &&
    refreshThreshold === undefined &&
    signal === undefined &&
    fresh === undefined
  );
}
