/**
 * A bounded piece of background work on the storage.
 *
 * @internal
 */
export interface MaintenanceTask {
  /** Does a few milliseconds' worth; returns whether more waits. */
  step(): boolean;
}
