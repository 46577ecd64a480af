/** The part that we use of a job of the package `cron`, on which `@nestjs/schedule` is built. @internal */
export interface CronJobLike {
  readonly cronTime: {
    /** Whether it fires once, at a date. */
    readonly realDate: boolean;
    readonly timeZone?: string | undefined;
    readonly source: unknown;
    getNextDateFrom(start: Date, timeZone?: string): { toMillis(): number };
  };
}

/** An instant at which a job should fire, and the time until the next one, in ms. @internal */
export interface CronSlot {
  readonly at: number;
  readonly period: number;
}

/** A timer may fire a little too early. */
const EARLY_MS = 50;
/** The longest time since an instant: leap years are never farther apart. */
const MOST_MS = 9 * 366 * 24 * 3_600_000;

/**
 * The last instant at which a job should have fired, whether or not it did; undefined when there was none.
 *
 * @param now Unix ms
 * @internal
 */
export function lastSlot({ cronTime }: CronJobLike, now: number): CronSlot | undefined {
  const latest = now + EARLY_MS;
  if (cronTime.realDate) {
    const at = (cronTime.source as { toMillis(): number }).toMillis();
    return at <= latest ? { at, period: MOST_MS } : undefined;
  }
  const next = (start: number): number =>
    cronTime.getNextDateFrom(new Date(start), cronTime.timeZone).toMillis();
  let back = 1000;
  while (next(latest - back) > latest) {
    back *= 2;
    if (back > MOST_MS) return undefined;
  }
  // There is an instant after the first of these, and none after the second.
  let [some, none] = [latest - back, latest - back / 2];
  while (none - some > 500) {
    const middle = (some + none) / 2;
    if (next(middle) > latest) none = middle;
    else some = middle;
  }
  const at = next(some);
  return { at, period: next(at) - at };
}
