import type { Clock } from '../common/clock.js';
import type { Duration } from '../common/duration.js';
import { LockLostError, LockTimeoutError } from '../common/errors.js';
import { lockTracing, type HyperCacheLockTrace } from '../common/traces.js';
import type { Grant, LeaseName } from '../engine/lease.js';
import type { AcquireRequest, LeaseService } from '../engine/lease-service.js';
import { checkedLeaseTtl, checkedWait } from './lock-arguments.js';
import { LeaseHold } from './lease-hold.js';

/** @internal */
export interface LockSettings {
  readonly lease: LeaseName;
  readonly owner: string;
  readonly ttlMs: number;
  readonly slots: number;
  /** Default of the verbs that wait. */
  readonly waitMs: number;
  readonly renew: boolean;
  /** Milliseconds after which renewal stops. */
  readonly maxHoldMs: number;
  /** Bound of every ttl, in milliseconds. */
  readonly maxTtlMs: number;
}

/** How long a verb waits, and which signal ends the wait. @publicApi */
export interface WaitOptions {
  /** How long to wait in the queue, in ms or as a duration; 0 means not to wait. @default the lock's `wait` */
  wait?: Duration | undefined;
  /** Leaves the queue when it aborts. */
  signal?: AbortSignal | undefined;
}

/** What the callback of `run` receives. @publicApi */
export interface LockContext {
  /** Aborts at the moment at which the lease is or may be lost. */
  signal: AbortSignal;
  /** The fencing token: it grows with every grant of the name. */
  token: number;
}

/** A renewal follows after this share of the ttl. */
const RENEWAL_SHARE = 1 / 3;

/**
 * A lock, or one slot of a semaphore, for one owner. One handle serves one acquisition at a time. It never counts on its
 * lease for longer than the primary does.
 *
 * @publicApi
 */
export class Lock {
  #hold: LeaseHold | undefined;
  /** How often this handle has asked to end its lease. The answer to an extension from before that is out of date. */
  #ends = 0;

  /** @internal Made by `HyperCache.lock`, `semaphore` and `restoreLock`. */
  constructor(
    private readonly settings: LockSettings,
    private readonly leases: LeaseService,
    private readonly clock: Clock,
  ) {}

  get name(): string {
    return this.settings.lease.name;
  }

  /** 128 random bits in hexadecimal, unless one was given; pass it to `restoreLock` in another process. */
  get owner(): string {
    return this.settings.owner;
  }

  /**
   * The fencing token of the current lease. It remains after the lease has ended, until `release()` or the next `acquire()`,
   * because work done under that lease must still be fenced. Undefined when this handle has had none.
   */
  get token(): number | undefined {
    return this.#hold?.token;
  }

  /** When the lease ends, in Unix ms by the current clock; undefined when this handle holds none. */
  get expiresAt(): number | undefined {
    const hold = this.#live();
    if (hold === undefined) return undefined;
    return Math.floor(this.clock.now() + hold.expiresAt - this.clock.monotonic());
  }

  /** Whether this handle holds a lease that has not ended, as far as this process can know. */
  get isHeld(): boolean {
    return this.#live() !== undefined;
  }

  /** Aborts at the moment at which the current lease is or may be lost; already aborted when there is none. */
  get signal(): AbortSignal {
    return (
      this.#live()?.signal ?? AbortSignal.abort(new LockLostError(this.name, 'it is not held'))
    );
  }

  /**
   * Resolves to whether the lock was obtained, immediately or within `wait`.
   *
   * @throws {HC_ARGUMENT_INVALID} the owner has a slot of this semaphore, or waits for one; or this handle already waits
   * @throws {HC_STORAGE_FULL | HC_STORAGE_FAILED | HC_CLOSED}, and `signal.reason`
   */
  async acquire(options: WaitOptions = {}): Promise<boolean> {
    const { lease, owner, ttlMs, slots } = this.settings;
    const { signal } = options;
    const waitMs = this.#waitMs(options);
    const isHeld = (): boolean => this.isHeld;
    if (!this.isHeld) this.#hold = undefined;
    const request = { lease, owner, ttlMs, slots, waitMs, signal, isHeld };
    const grant = await this.#ask(request);
    if (grant === undefined) return false;
    if (signal?.aborted === true) {
      await this.leases.release(lease, owner);
      throw signal.reason;
    }
    this.#begin(grant);
    return true;
  }

  #ask(request: AcquireRequest): Promise<Grant | undefined> {
    if (!lockTracing.hasSubscribers) return this.leases.acquire(request);
    const trace: HyperCacheLockTrace = { name: this.name };
    return lockTracing.promise(trace, async () => {
      const grant = await this.leases.acquire(request);
      trace.acquired = grant !== undefined;
      return grant;
    });
  }

  /**
   * Runs the callback under the lock and releases it in every case.
   *
   * @throws {HC_LOCK_TIMEOUT} the lock was not obtained; the callback was not called
   * @throws {HC_LOCK_LOST} the callback ended, but the lease had ended earlier
   */
  async run<T>(
    callback: (context: LockContext) => T | Promise<T>,
    options: WaitOptions = {},
  ): Promise<T> {
    return this.#runUnder(await this.#acquireOrThrow(options), callback);
  }

  /**
   * As {@link run}, but resolves to undefined, without calling the callback, when the lock is not obtained.
   *
   * @throws {HC_LOCK_LOST}
   */
  async tryRun<T>(
    callback: (context: LockContext) => T | Promise<T>,
    options: WaitOptions = {},
  ): Promise<T | undefined> {
    const isHeld = await this.acquire(options);
    const hold = this.#hold;
    return isHeld && hold !== undefined ? this.#runUnder(hold, callback) : undefined;
  }

  /**
   * For `await using`: the lock is released at the end of the scope.
   *
   * @throws {HC_LOCK_TIMEOUT}
   */
  async hold(options: WaitOptions = {}): Promise<this & AsyncDisposable> {
    await this.#acquireOrThrow(options);
    return this;
  }

  /** Resolves to whether the lease was still this owner's; afterwards the first waiter receives it. */
  async release(): Promise<boolean> {
    const hold = this.#hold;
    this.#ends++;
    this.#hold = undefined;
    hold?.end();
    // A handle that has reported the loss does not take it back, although the primary may count a moment longer.
    const wasLost = hold?.isLost === true;
    const isReleased = await this.leases.release(this.settings.lease, this.settings.owner);
    if (!isReleased) hold?.lose('its lease had ended before its release');
    return isReleased && !wasLost;
  }

  /**
   * Starts a new ttl now, if the owner's lease has not ended; resolves to whether it had not.
   *
   * @param ttl milliseconds or a duration; undefined means the lock's own
   */
  async extend(ttl?: Duration): Promise<boolean> {
    const { lease, owner, ttlMs, maxTtlMs } = this.settings;
    const wanted = ttl === undefined ? ttlMs : checkedLeaseTtl(ttl, maxTtlMs);
    const ends = this.#ends;
    const grant = await this.leases.extend(lease, owner, wanted);
    if (ends !== this.#ends) return grant !== undefined;
    if (grant === undefined) {
      this.#hold?.lose('its lease had ended before it was extended');
      return false;
    }
    const hold = this.#live();
    if (hold === undefined) this.#begin(grant);
    else this.#prolong(hold, grant);
    return true;
  }

  /** Takes the lock from whichever owner holds it; resolves to whether there was one. */
  async forceRelease(): Promise<boolean> {
    this.#ends++;
    this.#hold?.lose('it was released by force');
    return this.leases.forceRelease(this.settings.lease);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#hold !== undefined) await this.release();
  }

  async #runUnder<T>(
    hold: LeaseHold,
    callback: (context: LockContext) => T | Promise<T>,
  ): Promise<T> {
    let result: T;
    try {
      result = await callback({
        token: hold.token,
        get signal() {
          return hold.signal;
        },
      });
    } catch (error) {
      await this.#releaseQuietly();
      throw error;
    }
    if (!(await this.release())) {
      throw new LockLostError(this.name, 'its lease ended before the work did');
    }
    return result;
  }

  #waitMs({ wait }: WaitOptions): number {
    return wait === undefined ? this.settings.waitMs : checkedWait(wait);
  }

  async #acquireOrThrow(options: WaitOptions): Promise<LeaseHold> {
    const isHeld = await this.acquire(options);
    const hold = this.#hold;
    if (isHeld && hold !== undefined) return hold;
    throw new LockTimeoutError(this.name, this.#waitMs(options));
  }

  /** The callback's own error matters more than a failed release: the lease ends by itself. */
  async #releaseQuietly(): Promise<void> {
    try {
      await this.release();
    } catch {
      // The ttl ends the lease.
    }
  }

  #begin(grant: Grant): void {
    this.#hold = new LeaseHold(this.name, grant, this.clock, this.leases);
    this.#prolong(this.#hold, grant);
  }

  #prolong(hold: LeaseHold, grant: Grant): void {
    hold.prolong(grant);
    if (this.settings.renew) {
      hold.renewAfter(RENEWAL_SHARE, () => void this.#renew(hold));
    }
  }

  async #renew(hold: LeaseHold): Promise<void> {
    const { lease, owner, ttlMs, maxHoldMs } = this.settings;
    if (!hold.isLive || this.clock.monotonic() - hold.since >= maxHoldMs) return;
    try {
      const grant = await this.leases.extend(lease, owner, ttlMs);
      if (!hold.isLive) return;
      if (grant === undefined) hold.lose('its lease had ended before it was renewed');
      else this.#prolong(hold, grant);
    } catch {
      // A later attempt may succeed; if none does, the ttl ends the lease, and the signal aborts.
      if (hold.isLive) hold.renewAfter(RENEWAL_SHARE, () => void this.#renew(hold));
    }
  }

  #live(): LeaseHold | undefined {
    return this.#hold?.isLive === true ? this.#hold : undefined;
  }
}
