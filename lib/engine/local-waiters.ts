import { MAX_TIMER_MS } from '../common/limits.js';
import type { Clock } from '../common/clock.js';
import { compositeKey } from '../common/composite-key.js';
import type { AcquireRequest } from './lease-service.js';
import type { Grant, LeaseName } from './lease.js';

/** A promise of this process that waits for a lease. @internal */
export interface LocalWaiter {
  readonly request: AcquireRequest;
  /** Monotonic ms. */
  readonly deadline: number;
  /** It is not yet in the queue in the file, or is about to leave it. */
  isMoving: boolean;
  readonly settle: (grant: Grant | undefined) => void;
  readonly fail: (error: unknown) => void;
}

interface WaitedLease {
  readonly lease: LeaseName;
  waiters: number;
  /** Fires when the blocking lease expires. */
  timer: NodeJS.Timeout | undefined;
  /** When the timer fires, in monotonic ms. */
  firesAt: number;
}

/**
 * The waiters of this process, and the leases that they wait for.
 *
 * @internal
 */
export class LocalWaiters {
  readonly #waiters = new Map<string, LocalWaiter>();
  readonly #waited = new Map<string, WaitedLease>();

  constructor(
    private readonly clock: Clock,
    /** Called when a lease with waiters has expired. */
    private readonly onExpiry: (lease: LeaseName) => void,
  ) {}

  get size(): number {
    return this.#waiters.size;
  }

  find(lease: LeaseName, owner: string): LocalWaiter | undefined {
    return this.#waiters.get(waiterKey(lease, owner));
  }

  add(waiter: LocalWaiter): void {
    const { lease, owner } = waiter.request;
    this.#waiters.set(waiterKey(lease, owner), waiter);
    const key = leaseKey(lease);
    const waited = this.#waited.get(key) ?? {
      lease,
      waiters: 0,
      timer: undefined,
      firesAt: Infinity,
    };
    this.#waited.set(key, waited);
    waited.waiters++;
  }

  /** Returns whether it was there. */
  remove(waiter: LocalWaiter): boolean {
    const { lease, owner } = waiter.request;
    if (this.find(lease, owner) !== waiter) return false;
    this.#waiters.delete(waiterKey(lease, owner));
    const key = leaseKey(lease);
    const waited = this.#waited.get(key);
    if (waited !== undefined && --waited.waiters === 0) {
      clearTimeout(waited.timer);
      this.#waited.delete(key);
    }
    return true;
  }

  /** An iteration may or may not meet waiters that come or go during it. */
  all(): IterableIterator<LocalWaiter> {
    return this.#waiters.values();
  }

  /** As {@link all}, for the leases that they wait for. */
  leases(): IterableIterator<{ readonly lease: LeaseName }> {
    return this.#waited.values();
  }

  /** Calls back when the blocking lease has expired, or earlier. Monotonic ms. */
  schedule(lease: LeaseName, nextExpiry: number | undefined): void {
    const waited = this.#waited.get(leaseKey(lease));
    if (waited === undefined || nextExpiry === undefined || waited.firesAt <= nextExpiry) return;
    clearTimeout(waited.timer);
    waited.firesAt = nextExpiry;
    const delay = Math.ceil(nextExpiry - this.clock.monotonic());
    waited.timer = setTimeout(
      () => {
        waited.firesAt = Infinity;
        this.onExpiry(lease);
      },
      Math.min(Math.max(delay, 0), MAX_TIMER_MS),
    );
  }
}

function leaseKey({ kind, name }: LeaseName): string {
  return compositeKey(String(kind), name);
}

function waiterKey({ kind, name }: LeaseName, owner: string): string {
  return compositeKey(String(kind), name, owner);
}
