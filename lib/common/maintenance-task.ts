/**
 * A bounded piece of background work on the storage.
 *
 * @internal
 */
export interface MaintenanceTask {
  /** Does a step, which blocks the event loop for milliseconds at most; returns whether more work waits. */
  step(): boolean;
  /** Whether it pauses in the middle of a round over everything. */
  readonly isMidway?: boolean;
}
