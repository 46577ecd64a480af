/**
 * Epochs count milliseconds since 2026. So two starts from one file, such as a backup that is restored twice, have
 * different epochs. 2^41 milliseconds, 69 years, fit into a fencing token.
 */
const ORIGIN_MS = Date.UTC(2026, 0, 1);

/** A clock beyond this is wrong. */
const MAX_CLOCK_EPOCH = 2 ** 40;

/** The number of tokens in one epoch before they would meet those of the next. @internal */
export const EPOCH_TOKENS = 4096;

/**
 * The first leap covers what the last epoch did and a crash has undone. The second covers the whole last epoch, when no
 * clock shows how long it lasted.
 */
const LOST_LEAP = 256;
const UNKNOWN_LEAP = 2 ** 20;

/** The longest gap between two starts that counts: 50 days. */
const MAX_PASSED_MS = 2 ** 32;

/**
 * How far a new history is ahead of the one that it continues and that may live on elsewhere. For twelve days, no start
 * there produces tokens as large as those here.
 *
 * @internal
 */
export const HISTORY_LEAP = 2 ** 30;

/** What a file records about its last epoch. @internal */
export interface LastEpoch {
  readonly epoch: number;
  /** When it began, in Unix ms; undefined when unknown. */
  readonly at: number | undefined;
}

/**
 * Chooses the epoch of a start. It is larger than any epoch that another start of the same file may have had, as long
 * as the clock is right. Even with a wrong clock, it exceeds the last epoch by more than the lost tokens.
 *
 * @param now Unix ms
 * @param isKnown whether the file records everything that was done in the last epoch
 * @internal
 */
export function nextEpoch({ epoch, at }: LastEpoch, now: number, isKnown: boolean): number {
  const passed = passedSince(at, now);
  const leap = isKnown ? 1 : passed > 0 ? LOST_LEAP : UNKNOWN_LEAP;
  const byClock = now - ORIGIN_MS;
  return Math.max(epoch + passed + leap, byClock < MAX_CLOCK_EPOCH ? Math.floor(byClock) : 0);
}

/** The highest epoch that its owner may have reached by now, as long as the clock is right. @internal */
export function epochNow({ epoch, at }: LastEpoch, now: number): number {
  return epoch + passedSince(at, now);
}

function passedSince(at: number | undefined, now: number): number {
  if (at === undefined || at < ORIGIN_MS) return 0;
  return Math.floor(Math.min(Math.max(now - at, 0), MAX_PASSED_MS));
}
