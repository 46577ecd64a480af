import type {
  Command,
  CommandOf,
  CommandResult,
  HandOver,
  LeaseResult,
} from '../engine/command.js';
import type { Clock } from '../common/clock.js';
import { compositeKey } from '../common/composite-key.js';
import { ClosedError, InvalidArgumentError, type HyperCacheError } from '../common/errors.js';
import { PendingCommand } from '../engine/pending-command.js';
import type { Grant, HeldLease, LeaseName } from '../engine/lease.js';
import type { Storage } from './storage.js';
import type { WriteQueue } from './write-queue.js';
import { LeaseHolders } from '../engine/lease-holders.js';
import type { AcquireRequest, LeaseHolder, LeaseService } from '../engine/lease-service.js';

/** A promise of this process that waits for a lease. */
interface LocalWaiter {
  readonly request: AcquireRequest;
  /** Monotonic ms. */
  readonly deadline: number;
  /** It has yet to be put into the queue in the file, or is about to leave it. */
  isMoving: boolean;
  readonly settle: (grant: Grant | undefined) => void;
  readonly fail: (error: unknown) => void;
}

/** What somebody of this process waits for. */
interface WaitedLease {
  readonly lease: LeaseName;
  waiters: number;
  /** Fires when the lease that stands in the way expires. */
  timer: NodeJS.Timeout | undefined;
}

const LIST_LIMIT = 10_000;

/** Locks and slots that a count looks at, held or free: a millisecond's work. */
const COUNT_LIMIT = 10_000;

/** Between two signs of life of a process that waits. */
const BEAT_MS = 300;

/** The longest delay that a timer takes. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Leases on the node that owns the file. Who waits stands in the file, so that all processes on it are served
 * in one order; a release, or the timer of an expiry, hands the lease to the first of them in the same
 * transaction. If that one waits in another process, it finds its lease by looking at the file
 * every `pollMs` while somebody waits.
 *
 * @internal
 */
export class LeaseManager implements LeaseService {
  readonly #waiting = new Map<string, LocalWaiter>();
  readonly #waited = new Map<string, WaitedLease>();
  readonly #holders = new LeaseHolders();
  #poll: NodeJS.Timeout | undefined;
  #lastBeat = -Infinity;
  #seenVersion = 0;
  #isClosed = false;

  constructor(
    private readonly storage: Storage,
    private readonly queue: WriteQueue<Command, CommandResult>,
    private readonly clock: Clock,
    /** Milliseconds within which the processes on one file notice each other's writes. */
    private readonly pollMs: number,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** Promises that wait for a lease. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Locks and slots of semaphores that are held, of the first 10,000 that are known; 0 when they cannot be read. */
  countHeld(): number {
    try {
      return this.storage.leases.countHeld(this.clock.monotonic(), COUNT_LIMIT);
    } catch (error) {
      this.onError(error);
      return 0;
    }
  }

  async acquire(request: AcquireRequest): Promise<Grant | undefined> {
    request.signal?.throwIfAborted();
    if (request.waitMs > 0) return this.#acquireOrWait(request);
    return (await this.#run(commandOf(request, 0))).grant;
  }

  async extend(lease: LeaseName, owner: string, ttlMs: number): Promise<Grant | undefined> {
    return (await this.#run({ kind: 'extendLease', lease, owner, ttl: ttlMs })).grant;
  }

  async release(lease: LeaseName, owner: string): Promise<boolean> {
    return (await this.#run({ kind: 'releaseLease', lease, owner })).done;
  }

  async forceRelease(lease: LeaseName): Promise<boolean> {
    return (await this.#run({ kind: 'forceReleaseLease', lease })).done;
  }

  async holders(lease: LeaseName): Promise<HeldLease[]> {
    await this.queue.drain();
    return this.storage.leases.holders(lease, this.clock.monotonic());
  }

  async list(): Promise<HeldLease[]> {
    await this.queue.drain();
    return this.storage.leases.list(this.clock.monotonic(), LIST_LIMIT);
  }

  watchLoss(holder: LeaseHolder): () => void {
    return this.#holders.watch(holder);
  }

  /** The file that held the leases is gone: nobody who holds one can be sure of it. */
  loseAll(cause: HyperCacheError): void {
    this.#holders.loseAll(cause);
  }

  /** Everybody who waits here is told that the cache is closed, and declines what he may get by a last write. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#poll);
    for (const { timer } of this.#waited.values()) clearTimeout(timer);
    for (const waiter of Array.from(this.#waiting.values())) {
      const { lease, owner } = waiter.request;
      this.#background({ kind: 'cancelWait', lease, owner, declines: true });
      waiter.fail(new ClosedError());
    }
  }

  /** The waiter is known before the command is sent: the same batch may already hand it the lease. */
  #acquireOrWait(request: AcquireRequest): Promise<Grant | undefined> {
    const { lease, waitMs, signal } = request;
    const key = waiterKey(request);
    if (this.#waiting.has(key)) {
      throw new InvalidArgumentError(
        `The owner already waits for '${lease.name}'.`,
        'Create one lock handle for each acquisition that runs at the same time.',
      );
    }
    this.#beat();
    return new Promise((resolve, reject) => {
      const end = (finish: () => void): void => {
        // Whoever is told twice has been told.
        if (this.#waiting.get(key) !== waiter) return;
        clearTimeout(timeout);
        signal?.removeEventListener('abort', onAbort);
        this.#waiting.delete(key);
        this.#unwatch(lease);
        finish();
      };
      const waiter: LocalWaiter = {
        request,
        deadline: this.clock.monotonic() + waitMs,
        isMoving: false,
        settle: (grant) => {
          // Who has aborted is leaving, and declines.
          if (signal?.aborted !== true) end(() => resolve(grant));
        },
        fail: (error) => end(() => reject(error)),
      };
      const onAbort = (): void => this.#giveUp(waiter, true);
      const timeout = setTimeout(() => this.#giveUp(waiter, false), Math.min(waitMs, MAX_TIMER_MS));
      this.#waiting.set(key, waiter);
      this.#watch(lease);
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#enqueue(waiter, waitMs, false);
    });
  }

  #enqueue(waiter: LocalWaiter, waitMs: number, isAgain: boolean): void {
    waiter.isMoving = true;
    const join = async (): Promise<void> => {
      const { grant } = await this.#run({ ...commandOf(waiter.request, waitMs), isAgain });
      waiter.isMoving = false;
      if (grant !== undefined) waiter.settle(grant);
    };
    join().catch((error: unknown) => waiter.fail(error));
  }

  /** The waiter leaves the queue. If it was served at the same moment, an aborted one passes the lease on. */
  #giveUp(waiter: LocalWaiter, isAborted: boolean): void {
    const { lease, owner, signal } = waiter.request;
    waiter.isMoving = true;
    const leave = async (): Promise<void> => {
      const { grant } = await this.#run({ kind: 'cancelWait', lease, owner, declines: isAborted });
      if (isAborted) waiter.fail(signal?.reason);
      else waiter.settle(grant);
    };
    leave().catch((error: unknown) => waiter.fail(error));
  }

  #watch(lease: LeaseName): void {
    const key = keyOf(lease);
    const watched = this.#waited.get(key) ?? { lease, waiters: 0, timer: undefined };
    this.#waited.set(key, watched);
    watched.waiters++;
    this.#poll ??= setTimeout(this.#lookAround, this.pollMs);
  }

  #unwatch(lease: LeaseName): void {
    const watched = this.#waited.get(keyOf(lease));
    if (watched === undefined || --watched.waiters > 0) return;
    clearTimeout(watched.timer);
    this.#waited.delete(keyOf(lease));
  }

  /** Wakes up when the lease that stands in the way has expired. */
  #schedule(lease: LeaseName, nextExpiry: number | undefined): void {
    const watched = this.#waited.get(keyOf(lease));
    if (watched === undefined || nextExpiry === undefined) return;
    clearTimeout(watched.timer);
    const delay = Math.ceil(nextExpiry - this.clock.monotonic());
    watched.timer = setTimeout(
      () => this.#background({ kind: 'promoteWaiters', lease }),
      Math.min(Math.max(delay, 0), MAX_TIMER_MS),
    );
  }

  /** Other processes may have served the waiters of this one. */
  readonly #lookAround = (): void => {
    this.#poll = undefined;
    if (this.#waiting.size === 0 || this.#isClosed) return;
    this.#poll = setTimeout(this.#lookAround, this.pollMs);
    const isBeat = this.#beat();
    try {
      const version = this.storage.dataVersion();
      if (isBeat || version !== this.#seenVersion) this.#collectGrants(isBeat);
      this.#seenVersion = version;
    } catch (error) {
      this.onError(error);
    }
  };

  #collectGrants(isThorough: boolean): void {
    const { leases } = this.storage;
    const now = this.clock.monotonic();
    const served: (readonly [LocalWaiter, HeldLease])[] = [];
    for (const { lease } of Array.from(this.#waited.values())) {
      let next = Infinity;
      for (const held of leases.holders(lease, now)) {
        const waiter = this.#waiting.get(waiterKey({ lease, owner: held.owner }));
        // Who still waits was not served: the lease is that of another handle of the same owner.
        if (waiter?.isMoving === false && !leases.isWaiting(lease, held.owner)) {
          served.push([waiter, held]);
        }
        next = Math.min(next, held.expiresAt);
      }
      // If nobody holds it, somebody was passed over while he was taken for dead.
      if (next < Infinity) this.#schedule(lease, next);
      else if (isThorough) this.#schedule(lease, now);
    }
    // Whoever gets a lease from another process must see what that one wrote under it, up to its last moment.
    this.storage.catchUp();
    for (const [waiter, held] of served) waiter.settle(held);
    if (isThorough) this.#rejoin(now);
  }

  /** This process may have been taken for dead, for example because it was stopped for a while. */
  #rejoin(now: number): void {
    for (const waiter of Array.from(this.#waiting.values())) {
      const { lease, owner } = waiter.request;
      if (waiter.isMoving || waiter.deadline <= now) continue;
      if (!this.storage.leases.isWaiting(lease, owner)) {
        this.#enqueue(waiter, waiter.deadline - now, true);
      }
    }
  }

  /** Returns whether it was time for a sign of life. */
  #beat(): boolean {
    const now = this.clock.monotonic();
    if (now - this.#lastBeat < BEAT_MS) return false;
    this.#lastBeat = now;
    this.#background({ kind: 'beat' });
    return true;
  }

  #background(command: LeaseCommand): void {
    this.#run(command).catch((error: unknown) => {
      if (!this.#isClosed) this.onError(error);
    });
  }

  #run(command: LeaseCommand): Promise<LeaseResult> {
    return new Promise((resolve, reject) => {
      this.queue.push(
        new PendingCommand<LeaseResult>(
          command,
          0,
          (result) => {
            for (const handOver of result.handOvers) this.#deliver(handOver);
            if ('lease' in command) this.#schedule(command.lease, result.nextExpiry);
            resolve(result);
          },
          reject,
        ),
      );
    });
  }

  #deliver({ lease, owner, grant }: HandOver): void {
    this.#waiting.get(waiterKey({ lease, owner }))?.settle(grant);
  }
}

type LeaseCommand = CommandOf<
  | 'acquireLease'
  | 'extendLease'
  | 'releaseLease'
  | 'forceReleaseLease'
  | 'promoteWaiters'
  | 'cancelWait'
  | 'beat'
>;

function keyOf({ kind, name }: LeaseName): string {
  return compositeKey(String(kind), name);
}

function waiterKey({ lease, owner }: { lease: LeaseName; owner: string }): string {
  return compositeKey(String(lease.kind), lease.name, owner);
}

function commandOf(request: AcquireRequest, wait: number): CommandOf<'acquireLease'> {
  const { lease, owner, ttlMs, slots } = request;
  return { kind: 'acquireLease', lease, owner, ttl: ttlMs, slots, wait };
}
