import { MAX_TIMER_MS } from '../common/limits.js';
import type { Clock } from '../common/clock.js';
import { LockLostError, type HyperCacheError } from '../common/errors.js';
import type { Grant } from '../engine/lease.js';
import type { LeaseHolder, LeaseService } from '../engine/lease-service.js';

/**
 * One lease of one handle, from its grant to its end: by release or by loss.
 *
 * @internal
 */
export class LeaseHold implements LeaseHolder {
  readonly token: number;
  /** Monotonic ms. */
  readonly since: number;
  #expiresAt: number;
  #isOver = false;
  #loss: LockLostError | undefined;
  #controller: AbortController | undefined;
  #expiry: NodeJS.Timeout | undefined;
  #renewal: NodeJS.Timeout | undefined;
  /** What the renewal timer calls, and when, in monotonic ms. */
  #renew: (() => void) | undefined;
  #renewAt = Infinity;
  readonly #unwatch: () => void;

  constructor(
    private readonly name: string,
    grant: Grant,
    private readonly clock: Clock,
    leases: LeaseService,
  ) {
    this.token = grant.token;
    this.since = clock.monotonic();
    this.#expiresAt = grant.expiresAt;
    this.#unwatch = leases.watchLoss(this);
  }

  /** Monotonic ms. */
  get expiresAt(): number {
    return this.#expiresAt;
  }

  /** Whether this handle still holds the lease, as far as this process can know. */
  get isLive(): boolean {
    if (!this.#isOver && this.#expiresAt <= this.clock.monotonic()) this.lose('its ttl is over');
    return !this.#isOver;
  }

  /** Whether it ended otherwise than by a release. */
  get isLost(): boolean {
    return this.#loss !== undefined;
  }

  /** Made on the first request, with the timer that aborts it: most holders never need it. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#loss !== undefined) this.#controller.abort(this.#loss);
      else if (!this.#isOver) this.#watchExpiry();
    }
    return this.#controller.signal;
  }

  prolong(grant: Grant): void {
    this.#expiresAt = grant.expiresAt;
    if (this.#controller !== undefined) this.#watchExpiry();
  }

  /** Calls back after `share` of the time that is left. */
  renewAfter(share: number, renew: () => void): void {
    const now = this.clock.monotonic();
    const left = Math.max((this.#expiresAt - now) * share, 1);
    clearTimeout(this.#renewal);
    this.#renew = renew;
    this.#renewAt = now + left;
    this.#renewal = setTimeout(renew, Math.min(left, MAX_TIMER_MS)).unref();
  }

  runDue(): void {
    if (!this.isLive || this.clock.monotonic() < this.#renewAt) return;
    clearTimeout(this.#renewal);
    this.#renewAt = Infinity;
    this.#renew?.();
  }

  /** The lease was released. */
  end(): void {
    this.#isOver = true;
    clearTimeout(this.#expiry);
    clearTimeout(this.#renewal);
    this.#unwatch();
  }

  /** The lease belongs to another owner, or may do so. */
  lose(reason: string, cause?: unknown): void {
    this.end();
    const options = cause === undefined ? undefined : { cause };
    this.#loss ??= new LockLostError(this.name, reason, options);
    this.#controller?.abort(this.#loss);
  }

  onLoss(cause: HyperCacheError): void {
    this.lose('the node lost its leases', cause);
  }

  #watchExpiry(): void {
    clearTimeout(this.#expiry);
    const left = Math.max(0, this.#expiresAt - this.clock.monotonic());
    // Checks again, because the timer may fire a little early, or not reach that far.
    this.#expiry = setTimeout(
      () => {
        if (this.isLive) this.#watchExpiry();
      },
      Math.min(left, MAX_TIMER_MS),
    ).unref();
  }
}
