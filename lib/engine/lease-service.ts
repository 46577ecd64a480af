import type { HyperCacheError } from '../common/errors.js';
import type { Grant, HeldLease, LeaseName } from './lease.js';

/** @internal */
export interface AcquireRequest {
  readonly lease: LeaseName;
  readonly owner: string;
  readonly ttlMs: number;
  /** How many owners may hold it at the same time. */
  readonly slots: number;
  /** Milliseconds to wait in the queue at most; 0 means not to wait. */
  readonly waitMs: number;
  /** Its caller waits in another request if nothing is free immediately. @default waitMs > 0 */
  readonly mayWait?: boolean | undefined;
  /** Leaves the queue when it aborts. */
  readonly signal?: AbortSignal | undefined;
  /** Whether the caller already holds the lease: then it is not released when the answer is lost. */
  readonly isHeld?: (() => boolean) | undefined;
}

/** Notified when all leases are lost at once. @internal */
export interface LeaseHolder {
  /** Whether its lease has not ended, as far as it knows. */
  readonly isLive: boolean;
  /** Does what its timers would have done by now: the lease may have ended, or may need renewal. */
  runDue(): void;
  onLoss(cause: HyperCacheError): void;
}

/**
 * Everything that a lock handle needs from a node. `expiresAt` is on this machine's monotonic clock, and never later than the
 * primary's own deadline.
 *
 * @internal
 */
export interface LeaseService {
  /** The grant; undefined when the lease was not free, or did not become free within the wait. */
  acquire(request: AcquireRequest): Promise<Grant | undefined>;
  /** The new grant, or undefined when the owner no longer holds the lease. */
  extend(lease: LeaseName, owner: string, ttlMs: number): Promise<Grant | undefined>;
  /** Whether the owner still held it. */
  release(lease: LeaseName, owner: string): Promise<boolean>;
  /** Whether any owner held it. */
  forceRelease(lease: LeaseName): Promise<boolean>;
  /**
   * Notifies a holder when all leases are lost at once, until its own lease has ended; returns a function that stops this
   * earlier.
   */
  watchLoss(holder: LeaseHolder): () => void;
  holders(lease: LeaseName): Promise<HeldLease[]>;
  list(): Promise<HeldLease[]>;
}
