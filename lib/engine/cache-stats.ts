/**
 * Counters of one named cache since its start.
 *
 * @publicApi
 */
export interface CacheCounters {
  /** Reads that memory answered. */
  l1Hits: number;
  /** Reads that this node's file answered, or a write that waits for it. */
  l2Hits: number;
  /** Reads that the primary answered, because this node has no replica, or its replica is not ready yet. */
  primaryHits: number;
  /** Reads that found nothing live. */
  misses: number;
  sets: number;
  deletes: number;
  /** Factories that `wrap` called. */
  factories: number;
  /** Calls of `wrap` that a stale value answered; they count as neither a hit nor a miss. */
  staleHits: number;
  /** Factories that were called in the background. */
  refreshes: number;
  /** Factories that failed. */
  factoryErrors: number;
  /** Calls of `wrap` that stopped waiting for a factory (`timeout`), and factories that did not end. */
  factoryTimeouts: number;
  /** Stale hits that did not call the factory, because it had failed a short time before. */
  throttled: number;
  /** Factory results that were not stored, because a newer change affected the key. */
  fillsRefused: number;
}

/**
 * The share of all reads that each layer answered, from 0 to 1; the layers add up to the total. 0 when there were no reads.
 *
 * @publicApi
 */
export interface HitRatios {
  l1: number;
  l2: number;
  primary: number;
  /** Answered by `wrap` with a stale value; not part of the total. */
  stale: number;
  total: number;
}

/**
 * Counters of one named cache, and the ratios that follow from them.
 *
 * @publicApi
 */
export interface CacheStats extends CacheCounters {
  ratios: HitRatios;
}

/** @internal */
export function zeroCounters(): CacheCounters {
  return {
    l1Hits: 0,
    l2Hits: 0,
    primaryHits: 0,
    misses: 0,
    sets: 0,
    deletes: 0,
    factories: 0,
    staleHits: 0,
    refreshes: 0,
    factoryErrors: 0,
    factoryTimeouts: 0,
    throttled: 0,
    fillsRefused: 0,
  };
}

/** The ratios of several caches together. @internal */
export function hitRatios(caches: Iterable<CacheCounters>): HitRatios {
  let l1 = 0;
  let l2 = 0;
  let primary = 0;
  let misses = 0;
  let stale = 0;
  for (const counters of caches) {
    l1 += counters.l1Hits;
    l2 += counters.l2Hits;
    primary += counters.primaryHits;
    misses += counters.misses;
    stale += counters.staleHits;
  }
  const hits = l1 + l2 + primary;
  // Without reads every ratio is 0 divided by 1, so no consumer needs a guard.
  const reads = Math.max(hits + stale + misses, 1);
  return {
    l1: l1 / reads,
    l2: l2 / reads,
    primary: primary / reads,
    stale: stale / reads,
    total: hits / reads,
  };
}
