/** What is known about the last run of a name. Times are Unix ms of the primary's clock. @internal */
export interface RunRecord {
  /** Random id of this run. */
  readonly id: string;
  /** The instant for which it runs. */
  readonly slot: number;
  readonly startedAt: number;
  /** null while it runs, or when its process has ended before it did. */
  readonly finishedAt: number | null;
  /** Whether it ended without an error; null while it has not ended. */
  readonly ok: boolean | null;
  /** Where it runs, for people to read. */
  readonly node: string;
}

/** The terms on which a run may begin. Its caller holds the lease of the name. @internal */
export interface RunRequest {
  readonly name: string;
  readonly id: string;
  /** Unix ms; null for a run whose slot is its time of start. */
  readonly slot: number | null;
  /** For a run without a slot: at most one start in this many ms. */
  readonly window: number;
  /** The caller's clock, and how far it may differ from the primary's, in ms. */
  readonly at: number;
  readonly maxSkew: number;
  /** Whether a start uses up a slot, or only a run that has ended well. */
  readonly on: 'start' | 'success';
  readonly node: string;
}

/** The answer to a request. @internal */
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
  // The caller holds the lease, so a run that has not ended will never end.
  const isFreed = on === 'success' && last.ok !== true;
  if (slot === null) {
    // A run in the future was begun by a clock that was wrong.
    const isOver = now - last.slot >= window || last.slot > now;
    return isOver || isFreed ? 'begun' : 'skipped';
  }
  const isWrong = last.slot > Math.max(now, slot) + 2 * maxSkew;
  return slot > last.slot || (isFreed && slot === last.slot) || isWrong ? 'begun' : 'skipped';
}
