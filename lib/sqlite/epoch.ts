/**
 * Epochs count milliseconds since 2026, so that two starts from one file, such as a backup that is restored twice,
 * have different ones. 2^41 of them, 69 years, fit into a fencing token.
 */
const ORIGIN_MS = Date.UTC(2026, 0, 1);

/** A clock that says more than this is wrong. */
const MAX_CLOCK_EPOCH = 2 ** 40;

/** Tokens of one epoch until they meet those of the next one. @internal */
export const EPOCH_TOKENS = 4096;

/** For what the last epoch did that a crash has undone; and for all of it, where no clock tells how long it lasted. */
const LOST_LEAP = 256;
const UNKNOWN_LEAP = 2 ** 20;

/** No gap between two starts counts for more: 50 days. */
const MAX_PASSED_MS = 2 ** 32;

/**
 * How far a history is ahead of the one from which it goes on, and which may live on elsewhere: for twelve days no start
 * there brings tokens up to those of here.
 *
 * @internal
 */
export const HISTORY_LEAP = 2 ** 30;

/** What a file says of its last epoch. @internal */
export interface LastEpoch {
  readonly epoch: number;
  /** When it began, in Unix ms; undefined when that is not known. */
  readonly at: number | undefined;
}

/**
 * The epoch of a start, larger than all that others can have had who began with the same file before, as far as the
 * clock goes right. Where it does not, it is larger than the last one at least, by more than the tokens that were lost.
 *
 * @param now Unix ms
 * @param isKnown whether the file tells all that was done in the last one
 * @internal
 */
export function nextEpoch({ epoch, at }: LastEpoch, now: number, isKnown: boolean): number {
  const passed = passedSince(at, now);
  const leap = isKnown ? 1 : passed > 0 ? LOST_LEAP : UNKNOWN_LEAP;
  const byClock = now - ORIGIN_MS;
  return Math.max(epoch + passed + leap, byClock < MAX_CLOCK_EPOCH ? Math.floor(byClock) : 0);
}

/** Where the owner of an epoch may have come by now, as far as the clock goes right. @internal */
export function epochNow({ epoch, at }: LastEpoch, now: number): number {
  return epoch + passedSince(at, now);
}

function passedSince(at: number | undefined, now: number): number {
  if (at === undefined || at < ORIGIN_MS) return 0;
  return Math.floor(Math.min(Math.max(now - at, 0), MAX_PASSED_MS));
}
