import type { Clock } from '../common/clock.js';
import type { AcquireRequest } from '../engine/lease-service.js';
import type { LeaseName } from '../engine/lease.js';
import type { LeaseScripts } from './lease-scripts.js';
import type { RedisLink } from './redis-link.js';

/** How many are remembered while the link is lost. Any more end by themselves. */
const MOST_OWED = 1000;

interface Owed {
  readonly lease: LeaseName;
  readonly owner: string;
  /** Monotonic ms. By then the lease has ended by itself. */
  readonly until: number;
}

/**
 * Leases that the server may have granted without any caller knowing, because the reply was lost. They are given back, and
 * places in a queue are given up, as soon as the link is open again.
 *
 * @internal
 */
export class OwedReturns {
  readonly #owed: Owed[] = [];

  constructor(
    private readonly scripts: LeaseScripts,
    private readonly link: RedisLink,
    private readonly clock: Clock,
  ) {}

  giveBack({ lease, owner, ttlMs, waitMs, isHeld }: AcquireRequest): void {
    // The handle has held the lease since before the request.
    if (isHeld?.() === true) return;
    const until = this.clock.monotonic() + ttlMs + waitMs;
    if (this.#owed.length < MOST_OWED) this.#owed.push({ lease, owner, until });
    if (this.link.state === 'open') this.payBack();
  }

  /** Call this before any other request on a new link: an owner may ask again. */
  payBack(): void {
    const now = this.clock.monotonic();
    for (const { lease, owner, until } of this.#owed.splice(0)) {
      // A lease that cannot be given back ends by itself.
      if (until > now) this.scripts.cancel(lease, owner, 'decline').catch(() => undefined);
    }
  }
}
