/**
 * Counters of one named cache since its start.
 *
 * @publicApi
 */
export interface CacheCounters {
  l1Hits: number;
  l2Hits: number;
  misses: number;
  sets: number;
  deletes: number;
  /** Factories that `wrap` called. */
  factories: number;
  /** Factory results that were not stored, because something newer happened to the key. */
  fillsRefused: number;
}

/** @internal */
export function zeroCounters(): CacheCounters {
  return { l1Hits: 0, l2Hits: 0, misses: 0, sets: 0, deletes: 0, factories: 0, fillsRefused: 0 };
}
