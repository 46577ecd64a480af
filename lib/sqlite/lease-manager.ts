import { MAX_TIMER_MS } from '../common/limits.js';
import type { Command, CommandOf } from '../engine/command.js';
import type { CommandResult, HandOver, LeaseResult } from '../engine/command-result.js';
import type { Clock } from '../common/clock.js';
import { ClosedError, InvalidArgumentError, type HyperCacheError } from '../common/errors.js';
import { PendingCommand } from '../engine/pending-command.js';
import type { Grant, HeldLease, LeaseName } from '../engine/lease.js';
import type { Storage } from './storage.js';
import type { WriteQueue } from './write-queue.js';
import { LocalWaiters, type LocalWaiter } from '../engine/local-waiters.js';
import { WaiterRounds } from './waiter-rounds.js';
import { LeaseHolders } from '../engine/lease-holders.js';
import type { AcquireRequest, LeaseHolder, LeaseService } from '../engine/lease-service.js';

const LIST_LIMIT = 10_000;

/** Locks and slots that a count reads, held or free: a millisecond's work. */
const COUNT_LIMIT = 10_000;

/** Interval of a waiting process's signs of life, in ms. */
const BEAT_MS = 300;

/**
 * Leases on the node that owns the file. The queue of waiters is stored in the file, so all processes on it are served
 * in one order. A release, or the timer of an expiry, hands the lease to the first waiter in the same transaction. A
 * waiter in another process finds its lease by reading the file every `pollMs` while there are waiters.
 * @internal
 */
export class LeaseManager implements LeaseService {
  readonly #waiters: LocalWaiters;
  readonly #rounds: WaiterRounds;
  readonly #holders = new LeaseHolders();
  #lastBeat = -Infinity;
  #isClosed = false;

  constructor(
    private readonly storage: Storage,
    private readonly queue: WriteQueue<Command, CommandResult>,
    private readonly clock: Clock,
    /** Milliseconds within which the processes on one file notice each other's writes. */
    pollMs: number,
    private readonly onError: (error: unknown) => void,
  ) {
    const waiters = new LocalWaiters(clock, (lease) =>
      this.#background({ kind: 'promoteWaiters', lease }),
    );
    this.#waiters = waiters;
    this.#rounds = new WaiterRounds({
      waiters,
      storage,
      clock,
      pollMs,
      beat: () => this.#beat(),
      rejoin: (waiter, waitMs) => this.#enqueue(waiter, waitMs, true),
      onError,
    });
  }

  /** Promises that wait for a lease. */
  get waiting(): number {
    return this.#waiters.size;
  }

  /** Held locks and semaphore slots, among the first 10,000 known ones; 0 when they cannot be read. */
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

  /** The file that held the leases is gone: no holder of a lease can rely on it. */
  loseAll(cause: HyperCacheError): void {
    this.#holders.loseAll(cause);
  }

  /** Runs what the timers would have done by now; never rejects. */
  async runDue(): Promise<void> {
    this.#holders.runDue();
    if (this.#waiters.size > 0) {
      this.#lastBeat = -Infinity;
      this.#beat();
    }
    for (const { lease } of Array.from(this.#waiters.leases())) {
      this.#background({ kind: 'promoteWaiters', lease });
    }
    await this.queue.drain();
    const now = this.clock.monotonic();
    for (const waiter of Array.from(this.#waiters.all())) {
      if (waiter.deadline <= now && !waiter.isMoving) this.#giveUp(waiter, false);
    }
    await this.queue.drain();
  }

  /**
   * Rejects all waiters of this process because the cache is closed. A last write declines leases that they may still
   * receive.
   */
  close(): void {
    this.#isClosed = true;
    this.#rounds.stop();
    for (const waiter of Array.from(this.#waiters.all())) {
      const { lease, owner } = waiter.request;
      this.#background({ kind: 'cancelWait', lease, owner, declines: true });
      waiter.fail(new ClosedError());
    }
  }

  /** Registers the waiter before the command is sent, because the same batch may already hand it the lease. */
  #acquireOrWait(request: AcquireRequest): Promise<Grant | undefined> {
    const { lease, owner, waitMs, signal } = request;
    if (this.#waiters.find(lease, owner) !== undefined) {
      throw new InvalidArgumentError(
        `The owner already waits for '${lease.name}'.`,
        'Create one lock handle for each acquisition that runs at the same time.',
      );
    }
    this.#beat();
    return new Promise((resolve, reject) => {
      const end = (finish: () => void): void => {
        // A waiter settles only once.
        if (!this.#waiters.remove(waiter)) return;
        clearTimeout(timeout);
        signal?.removeEventListener('abort', onAbort);
        finish();
      };
      const waiter: LocalWaiter = {
        request,
        deadline: this.clock.monotonic() + waitMs,
        isMoving: false,
        settle: (grant) => {
          // An aborted waiter is leaving, and declines the lease.
          if (signal?.aborted !== true) end(() => resolve(grant));
        },
        fail: (error) => end(() => reject(error)),
      };
      const onAbort = (): void => this.#giveUp(waiter, true);
      const timeout = setTimeout(() => this.#giveUp(waiter, false), Math.min(waitMs, MAX_TIMER_MS));
      this.#waiters.add(waiter);
      this.#rounds.start();
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

  /** Removes a waiter from the queue. If it was served at the same moment, an aborted waiter passes the lease on. */
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

  /** Returns whether a sign of life was due. */
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
            if ('lease' in command) this.#waiters.schedule(command.lease, result.nextExpiry);
            resolve(result);
          },
          reject,
        ),
      );
    });
  }

  #deliver({ lease, owner, grant }: HandOver): void {
    this.#waiters.find(lease, owner)?.settle(grant);
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

function commandOf(request: AcquireRequest, wait: number): CommandOf<'acquireLease'> {
  const { lease, owner, ttlMs, slots, mayWait = request.waitMs > 0 } = request;
  return { kind: 'acquireLease', lease, owner, ttl: ttlMs, slots, wait, mayWait };
}
