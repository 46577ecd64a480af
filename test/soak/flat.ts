/** What is measured of a process. */
export const METRICS = ['heap', 'rss', 'file', 'wal', 'handles', 'timers'] as const;
/** @see METRICS */
export type Metric = (typeof METRICS)[number];
/** In bytes, handles and timers in numbers. */
export type Sample = Readonly<Record<Metric, number>>;

const MB = 1024 * 1024;

/** Growth that counts as none: a share of the mean, or an amount, whichever is more. */
export const ALLOWED: Readonly<
  Record<Metric, { readonly share: number; readonly amount: number }>
> = {
  heap: { share: 0.1, amount: 4 * MB },
  rss: { share: 0.2, amount: 24 * MB },
  file: { share: 0.1, amount: MB },
  // A checkpoint resets it; journal_size_limit is 4 MiB.
  wal: { share: 0, amount: 6 * MB },
  handles: { share: 0, amount: 4 },
  timers: { share: 0, amount: 6 },
};

/** How one metric of one process went. */
export interface Trend {
  readonly mean: number;
  /** From the beginning to the end, by the median slope of all pairs of samples (Theil, 1950; Sen, 1968). */
  readonly growth: number;
  readonly allowed: number;
  readonly isFlat: boolean;
}

/**
 * Judges the samples after the warm-up. A few samples within a fault, such as requests that all wait for their timeout, do
 * not tilt the line.
 *
 * @param points seconds and values
 */
export function trendOf(metric: Metric, points: readonly (readonly [number, number])[]): Trend {
  const mean = points.reduce((sum, [, value]) => sum + value, 0) / points.length;
  const duration = (points.at(-1)?.[0] ?? 0) - (points[0]?.[0] ?? 0);
  const growth = medianSlope(points) * duration;
  const { share, amount } = ALLOWED[metric];
  const allowed = Math.max(share * mean, amount);
  return { mean, growth, allowed, isFlat: growth <= allowed };
}

function medianSlope(points: readonly (readonly [number, number])[]): number {
  const slopes = points.flatMap(([x, y], i) =>
    points.slice(i + 1).map(([laterX, laterY]) => (laterY - y) / (laterX - x)),
  );
  slopes.sort((a, b) => a - b);
  return slopes[slopes.length >> 1] ?? 0;
}
