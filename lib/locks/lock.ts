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

/** How long, and for whom, a verb waits. @publicApi */
export interface WaitOptions {
  /** How long to wait in the queue, in ms or as a duration; 0 not to wait. @default the lock's `wait` */
  wait?: Duration | undefined;
  /** Leaves the queue when it aborts. */
  signal?: AbortSignal | undefined;
}

/** What the callback of `run` gets. @publicApi */
export interface LockContext {
  /** Aborts the moment the lease is or may be lost. */
  signal: AbortSignal;
  /** The fencing token: it grows with every grant of the name. */
  token: number;
}

/** A renewal comes when this share of the ttl is over. */
const RENEWAL_SHARE = 1 / 3;

/**
 * A lock, or one slot of a semaphore, for one owner. One handle serves one acquisition at a time. It never
 * believes in its lease longer than the primary does.
 *
 * @publicApi
 */
export class Lock {
  #hold: LeaseHold | undefined;
  /** How often this handle has asked for the end of its lease: what an extension says from before is out of date. */
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

  /** 128 random bits in hexadecimal, unless it was given; pass it to `restoreLock` in another process. */
  get owner(): string {
    return this.settings.owner;
  }

  /**
   * The fencing token of the current lease, or of one that has ended, because what was done under it is still to be
   * fenced: until `release()` or the next `acquire()`. Undefined when this handle has had none.
   */
  get token(): number | undefined {
    return this.#hold?.token;
  }

  /** When the lease ends, in Unix ms as of now; undefined when this handle holds none. */
  get expiresAt(): number | undefined {
    const hold = this.#live();
    if (hold === undefined) return undefined;
    return Math.floor(this.clock.now() + hold.expiresAt - this.clock.monotonic());
  }

  /** Whether this handle holds a lease that has not ended, as far as this process can know. */
  get isHeld(): boolean {
    return this.#live() !== undefined;
  }

  /** Aborts the moment the current lease is or may be lost; aborted already when there is none. */
  get signal(): AbortSignal {
    return (
      this.#live()?.signal ?? AbortSignal.abort(new LockLostError(this.name, 'it is not held'))
    );
  }

  /**
   * Resolves to whether the lock was obtained: at once, or within `wait`.
   *
   * @throws {HC_ARGUMENT_INVALID} the owner has a slot of this semaphore, or waits for one; or this handle waits already
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
   * Runs the callback under the lock and releases it, whatever happens.
   *
   * @throws {HC_LOCK_TIMEOUT} the lock was not obtained; the callback was not called
   * @throws {HC_LOCK_LOST} the callback ended, but the lease had ended before it
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

  /** Resolves to whether the lease was still this owner's; afterwards the first who waits has it. */
  async release(): Promise<boolean> {
    const hold = this.#hold;
    this.#ends++;
    this.#hold = undefined;
    hold?.end();
    // Who was told that it is lost is not told otherwise, though the primary may count a moment longer.
    const wasLost = hold?.isLost === true;
    const isReleased = await this.leases.release(this.settings.lease, this.settings.owner);
    if (!isReleased) hold?.lose('its lease had ended before its release');
    return isReleased && !wasLost;
  }

  /**
   * A new ttl from now, for an owner whose lease has not ended; resolves to whether it had not.
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

  /** Takes the lock from whoever holds it; resolves to whether anybody did. */
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

  /** The callback's own error matters more than a release that failed: the lease ends by itself. */
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
      // A later try may succeed; if none does, the lease ends by its ttl, and with it the signal.
      if (hold.isLive) hold.renewAfter(RENEWAL_SHARE, () => void this.#renew(hold));
    }
  }

  #live(): LeaseHold | undefined {
    return this.#hold?.isLive === true ? this.#hold : undefined;
  }
}
