import type { HyperCacheError } from '../common/errors.js';
import type { Grant, HeldLease, LeaseName } from './lease.js';

/** @internal */
export interface AcquireRequest {
  readonly lease: LeaseName;
  readonly owner: string;
  readonly ttlMs: number;
  /** How many may hold it at once. */
  readonly slots: number;
  /** Milliseconds to wait in the queue at most; 0 not to wait. */
  readonly waitMs: number;
  /** Its caller waits, in another request, if there is nothing at once. @default waitMs > 0 */
  readonly mayWait?: boolean | undefined;
  /** Leaves the queue when it aborts. */
  readonly signal?: AbortSignal | undefined;
  /** Whether the caller holds the lease already: then it is not given back when the answer is lost. */
  readonly isHeld?: (() => boolean) | undefined;
}

/** Who is told when all leases are lost at once. @internal */
export interface LeaseHolder {
  /** Whether its lease has not ended, as far as it knows. */
  readonly isLive: boolean;
  /** What its timers would have done by now: it may have ended, or have to be renewed. */
  runDue(): void;
  onLoss(cause: HyperCacheError): void;
}

/**
 * What a lock handle needs of a node, and all that it knows of it. `expiresAt` is on this machine's monotonic
 * clock, and never later than the primary's own deadline.
 *
 * @internal
 */
export interface LeaseService {
  /** The grant, or undefined when the lease was not free, or not within the wait. */
  acquire(request: AcquireRequest): Promise<Grant | undefined>;
  /** The new grant, or undefined when the owner no longer holds the lease. */
  extend(lease: LeaseName, owner: string, ttlMs: number): Promise<Grant | undefined>;
  /** Whether the owner still held it. */
  release(lease: LeaseName, owner: string): Promise<boolean>;
  /** Whether anybody held it. */
  forceRelease(lease: LeaseName): Promise<boolean>;
  /** Tells a holder when all leases are lost at once, until its own has ended; returns how to stop before. */
  watchLoss(holder: LeaseHolder): () => void;
  holders(lease: LeaseName): Promise<HeldLease[]>;
  list(): Promise<HeldLease[]>;
}
