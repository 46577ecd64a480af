import { copyValue, freezeValue } from './capture.js';

/**
 * What a caller gets from memory: its own copy, one deeply frozen object, or one shared reference.
 *
 * @publicApi
 */
export type Isolation = 'copy' | 'freeze' | 'share';

/** Prepares a value that the cache owns for L1; returns whether each caller needs a copy of it. @internal */
export function admit(value: unknown, isolation: Isolation): boolean {
  if (typeof value !== 'object' || value === null || isolation === 'share') return false;
  return isolation === 'copy' || !freezeValue(value);
}

/** Prepares a value that the cache owns for a caller. @internal */
export function release(value: unknown, isolation: Isolation): unknown {
  if (typeof value !== 'object' || value === null || isolation === 'share') return value;
  // A value that cannot be frozen as a whole was left unfrozen, so it is copied.
  return isolation === 'freeze' && Object.isFrozen(value) ? value : copyValue(value);
}
