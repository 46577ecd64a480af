import type { HyperCacheStats } from '../index.js';

/** How far back the plots reach, in ms. @internal */
export const HISTORY_MS = 15 * 60_000;
/** The time between two samples, in ms. @internal */
export const SAMPLE_MS = 5000;

const MAX_SAMPLES = HISTORY_MS / SAMPLE_MS + 1;

/** The statistics of the node at one moment. Counters count since its start. @internal */
export interface Sample {
  /** On a clock that never jumps, in ms. */
  readonly at: number;
  readonly hits: number;
  readonly l1Hits: number;
  readonly staleHits: number;
  readonly misses: number;
  readonly writes: number;
  readonly factories: number;
  readonly factoryErrors: number;
  readonly queued: number;
  readonly fileBytes: number;
  readonly memoryBytes: number;
  /** Milliseconds; 0 on a primary. */
  readonly lagMs: number;
}

/** @internal */
export function sampleOf({ caches, queued, l1, l2, replica }: HyperCacheStats, at: number): Sample {
  const all = Object.values(caches);
  const sum = (count: (cache: (typeof all)[number]) => number): number =>
    all.reduce((total, cache) => total + count(cache), 0);
  return {
    at,
    hits: sum(({ l1Hits, l2Hits, primaryHits }) => l1Hits + l2Hits + primaryHits),
    l1Hits: sum(({ l1Hits }) => l1Hits),
    staleHits: sum(({ staleHits }) => staleHits),
    misses: sum(({ misses }) => misses),
    writes: sum(({ sets, deletes }) => sets + deletes),
    factories: sum(({ factories }) => factories),
    factoryErrors: sum(({ factoryErrors }) => factoryErrors),
    queued,
    fileBytes: l2.usedBytes + l2.walBytes,
    memoryBytes: l1.bytes,
    lagMs: replica?.lagMs ?? 0,
  };
}

/** The samples of the last 15 minutes, the oldest first. @internal */
export class SampleHistory {
  readonly #samples: Sample[] = [];

  get samples(): readonly Sample[] {
    return this.#samples;
  }

  add(sample: Sample): void {
    this.#samples.push(sample);
    if (this.#samples.length > MAX_SAMPLES) this.#samples.shift();
  }

  /** The newest sample that is at least this many ms older than a moment. */
  before(at: number, ms: number): Sample | undefined {
    return this.#samples.findLast((sample) => sample.at <= at - ms);
  }
}

type Counter = Exclude<keyof Sample, 'at' | 'queued' | 'fileBytes' | 'memoryBytes' | 'lagMs'>;

/** The growth of a counter per second; 0 when no earlier sample is known. @internal */
export function rateOf(counter: Counter, from: Sample | undefined, to: Sample): number {
  if (from === undefined || to.at <= from.at) return 0;
  return Math.max(0, ((to[counter] - from[counter]) * 1000) / (to.at - from.at));
}

/** The part of the reads between two moments that was answered, from 0 to 1; undefined when nothing was read. @internal */
export function hitRatioOf(from: Sample | undefined, to: Sample): number | undefined {
  const grown = (counter: Counter): number => to[counter] - (from?.[counter] ?? 0);
  const answered = grown('hits') + grown('staleHits');
  const reads = answered + grown('misses');
  return reads <= 0 ? undefined : answered / reads;
}
