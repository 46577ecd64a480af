import type { Clock } from '../common/clock.js';
import type { AcquireRequest } from '../engine/lease-service.js';
import type { LeaseName } from '../engine/lease.js';
import type { LeaseScripts } from './lease-scripts.js';
import type { RedisLink } from './redis-link.js';

/** So many are remembered while the link is lost; others end by themselves. */
const MOST_OWED = 1000;

interface Owed {
  readonly lease: LeaseName;
  readonly owner: string;
  /** Monotonic ms; by then it has ended by itself. */
  readonly until: number;
}

/**
 * Leases that may have been given and that no caller knows of, because the answer was lost: they are given back, and places in
 * a queue are left, as soon as the link is there.
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
    // Its handle holds it from before.
    if (isHeld?.() === true) return;
    const until = this.clock.monotonic() + ttlMs + waitMs;
    if (this.#owed.length < MOST_OWED) this.#owed.push({ lease, owner, until });
    if (this.link.state === 'open') this.payBack();
  }

  /** To be called before anything else is asked for on a new link: an owner may ask again. */
  payBack(): void {
    const now = this.clock.monotonic();
    for (const { lease, owner, until } of this.#owed.splice(0)) {
      // One that fails ends by itself.
      if (until > now) this.scripts.cancel(lease, owner, 'decline').catch(() => undefined);
    }
  }
}
