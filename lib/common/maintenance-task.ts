/**
 * A bounded piece of background work on the storage.
 *
 * @internal
 */
export interface MaintenanceTask {
  /** Does a step that holds the event loop for little, milliseconds at most; returns whether more waits. */
  step(): boolean;
  /** Whether it rests in the middle of a round over everything. */
  readonly isMidway?: boolean;
}
