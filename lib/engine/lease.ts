/** The numbers are stored in the file. @internal */
export const LeaseKind = {
  Lock: 0,
  Semaphore: 1,
  /** The right to call the factory of a key. */
  Fill: 2,
  /** The right to run a task that runs once. */
  Run: 3,
} as const;
/** @internal */
export type LeaseKind = (typeof LeaseKind)[keyof typeof LeaseKind];

/** What is leased. @internal */
export interface LeaseName {
  readonly kind: LeaseKind;
  readonly name: string;
}

/** A lease that was granted. Times are ms on the machine's monotonic clock. @internal */
export interface Grant {
  readonly token: number;
  readonly expiresAt: number;
}

/** A lease that is held. @internal */
export interface HeldLease extends LeaseName, Grant {
  readonly slot: number;
  readonly owner: string;
  readonly ttl: number;
}
