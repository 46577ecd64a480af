import type { Clock } from '../common/clock.js';
import type { Grant, LeaseName } from '../engine/lease.js';
import type { LocalWaiter, LocalWaiters } from '../engine/local-waiters.js';
import type { Storage } from './storage.js';

/** @internal */
export interface WaiterRoundsParts {
  readonly waiters: LocalWaiters;
  readonly storage: Storage;
  readonly clock: Clock;
  /** Milliseconds within which the processes on one file notice each other's writes. */
  readonly pollMs: number;
  /** Gives a sign of life when one is due; returns whether it was. */
  readonly beat: () => boolean;
  /** Puts a waiter into the queue again. */
  readonly rejoin: (waiter: LocalWaiter, waitMs: number) => void;
  readonly onError: (error: unknown) => void;
}

/** How long one step may hold the event loop, in ms: thousands of waiters may exist. */
const STEP_MS = 2;

interface Round {
  /** Whether to check also what no process announces; true with each sign of life. */
  readonly isThorough: boolean;
  readonly leases: IterableIterator<{ readonly lease: LeaseName }>;
  readonly waiters: IterableIterator<LocalWaiter>;
}

type Served = readonly [waiter: LocalWaiter, grant: Grant];

/**
 * Finds out which waiters of this process were served by other processes, while there are any. It works in rounds, and
 * each round in steps of a bounded time.
 *
 * @internal
 */
export class WaiterRounds {
  #timer: NodeJS.Timeout | undefined;
  #round: Round | undefined;
  #isDue = false;
  #isThorough = false;
  #seenVersion = 0;

  constructor(private readonly parts: WaiterRoundsParts) {}

  /** Continues until nothing waits. */
  start(): void {
    this.#timer ??= setTimeout(this.#look, this.parts.pollMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  readonly #look = (): void => {
    this.#timer = undefined;
    const { waiters, onError } = this.parts;
    if (waiters.size === 0) return;
    this.start();
    try {
      this.#begin();
      if (this.#round !== undefined) this.#goOn(this.#round);
    } catch (error) {
      onError(error);
    }
  };

  /** Begins a round, unless one is still under way. */
  #begin(): void {
    const { waiters, storage, beat } = this.parts;
    const isBeat = beat();
    const version = storage.dataVersion();
    this.#isDue ||= isBeat || version !== this.#seenVersion;
    this.#isThorough ||= isBeat;
    this.#seenVersion = version;
    if (this.#round !== undefined || !this.#isDue) return;
    this.#round = {
      isThorough: this.#isThorough,
      leases: waiters.leases(),
      waiters: waiters.all(),
    };
    this.#isDue = this.#isThorough = false;
  }

  #goOn({ isThorough, leases, waiters }: Round): void {
    const { storage, clock } = this.parts;
    const now = clock.monotonic();
    const isLate = (): boolean => clock.monotonic() - now >= STEP_MS;
    const served: Served[] = [];
    const lost: LocalWaiter[] = [];
    let isOver = forEach(leases, isLate, ({ lease }) =>
      this.#findServed(lease, now, isThorough, served),
    );
    if (isOver && isThorough) {
      isOver = forEach(waiters, isLate, (waiter) => this.#findLost(waiter, now, served, lost));
    }
    if (isOver) this.#round = undefined;
    // A waiter that gets a lease from another process must see everything that process wrote under it.
    if (served.length > 0) storage.catchUp();
    for (const [waiter, grant] of served) waiter.settle(grant);
    for (const waiter of lost) this.parts.rejoin(waiter, waiter.deadline - now);
  }

  #findServed(lease: LeaseName, now: number, isThorough: boolean, served: Served[]): void {
    const { waiters, storage } = this.parts;
    const { leases } = storage;
    let next = Infinity;
    for (const held of leases.holders(lease, now)) {
      const waiter = waiters.find(lease, held.owner);
      // An owner that still waits was not served: the lease belongs to another handle of the same owner.
      if (waiter?.isMoving === false && !leases.isWaiting(lease, held.owner)) {
        served.push([waiter, held]);
      }
      next = Math.min(next, held.expiresAt);
    }
    // A free lease means that a waiter was passed over while its process counted as dead.
    if (next < Infinity) waiters.schedule(lease, next);
    else if (isThorough) waiters.schedule(lease, now);
  }

  /** Finds a waiter that lost its place because this process counted as dead, for example while it was suspended. */
  #findLost(waiter: LocalWaiter, now: number, served: Served[], lost: LocalWaiter[]): void {
    const { leases } = this.parts.storage;
    const { lease, owner } = waiter.request;
    if (waiter.isMoving || waiter.deadline <= now || leases.isWaiting(lease, owner)) return;
    const grant = leases.heldBy(lease, owner, now);
    if (grant === undefined) lost.push(waiter);
    else served.push([waiter, grant]);
  }
}

/** Returns whether all were seen before the time was over. */
function forEach<T>(all: Iterator<T>, isLate: () => boolean, see: (one: T) => void): boolean {
  for (;;) {
    const { done, value } = all.next() as IteratorResult<T, undefined>;
    if (done === true) return true;
    see(value);
    if (isLate()) return false;
  }
}
