/** What is known of the last run of a name. Times are Unix ms of the primary's clock. @internal */
export interface RunRecord {
  /** Random, of this run. */
  readonly id: string;
  /** The instant that it is the run of. */
  readonly slot: number;
  readonly startedAt: number;
  /** null while it runs, or when its process has ended. */
  readonly finishedAt: number | null;
  /** Whether it ended without an error; null while it has not ended. */
  readonly ok: boolean | null;
  /** Where it runs, for people. */
  readonly node: string;
}

/** When a run may begin. Its caller holds the lease of the name. @internal */
export interface RunRequest {
  readonly name: string;
  readonly id: string;
  /** Unix ms; null for one that has its time of start for its slot. */
  readonly slot: number | null;
  /** At most one start in so many ms, of a run without a slot. */
  readonly window: number;
  /** The caller's clock, and how far from the primary's it may be, in ms. */
  readonly at: number;
  readonly maxSkew: number;
  /** Whether a slot is used up by a start, or only by a run that has ended well. */
  readonly on: 'start' | 'success';
  readonly node: string;
}

/** What comes of a request. @internal */
export type RunDecision = 'begun' | 'skipped' | 'skewed';

/**
 * Whether a run may begin.
 *
 * @param last undefined when the name never ran
 * @internal
 */
export function decideRun(
  last: RunRecord | undefined,
  request: RunRequest,
  now: number,
): RunDecision {
  const { slot, window, at, maxSkew, on } = request;
  if (Math.abs(now - at) > maxSkew) return 'skewed';
  if (last === undefined) return 'begun';
  // The caller holds the lease, so a run that has not ended never will.
  const isFreed = on === 'success' && last.ok !== true;
  if (slot === null) {
    // What lies ahead was begun by a clock that was wrong.
    const isOver = now - last.slot >= window || last.slot > now;
    return isOver || isFreed ? 'begun' : 'skipped';
  }
  const isWrong = last.slot > Math.max(now, slot) + 2 * maxSkew;
  return slot > last.slot || (isFreed && slot === last.slot) || isWrong ? 'begun' : 'skipped';
}
