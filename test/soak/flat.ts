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
  /** From the beginning to the end, by the straight line that fits best. */
  readonly growth: number;
  readonly allowed: number;
  readonly isFlat: boolean;
}

/** Judges the samples after the warm-up. @param points seconds and values */
export function trendOf(metric: Metric, points: readonly (readonly [number, number])[]): Trend {
  const n = points.length;
  const mean = (pick: (point: readonly [number, number]) => number): number =>
    points.reduce((sum, point) => sum + pick(point), 0) / n;
  const at = mean(([x]) => x);
  const value = mean(([, y]) => y);
  const spread = mean(([x]) => (x - at) ** 2);
  const slope = spread === 0 ? 0 : mean(([x, y]) => (x - at) * (y - value)) / spread;
  const growth = slope * ((points.at(-1)?.[0] ?? 0) - (points[0]?.[0] ?? 0));
  const { share, amount } = ALLOWED[metric];
  const allowed = Math.max(share * value, amount);
  return { mean: value, growth, allowed, isFlat: growth <= allowed };
}
