import { InvalidArgumentError } from '../../common/errors.js';
import { LeaseKind, type Grant, type LeaseName } from '../../engine/lease.js';
import type { LeaseTable } from '../lease-table.js';
import type {
  AcquireLeaseCommand,
  CancelWaitCommand,
  ExtendLeaseCommand,
  ForceReleaseLeaseCommand,
  PromoteWaitersCommand,
  ReleaseLeaseCommand,
} from '../../engine/command.js';
import type { HandOver, LeaseResult } from '../../engine/command-result.js';

/** Waiters that one command serves or removes from the queue, so that it does not hold the event loop. */
const SERVED_AT_ONCE = 100;

/**
 * Takes a free or expired slot, unless others wait for one: they come first. An owner holds at most one slot of a
 * semaphore, because a release names only the owner. The owner never receives a second slot.
 *
 * @param now for all functions here: ms on the monotonic clock
 * @throws {HC_ARGUMENT_INVALID} when the owner would wait for a slot, and already holds one or waits for one
 * @internal
 */
export function acquireLease(
  leases: LeaseTable,
  { lease, owner, ttl, slots, wait, isAgain = false, mayWait = wait > 0 }: AcquireLeaseCommand,
  now: number,
): LeaseResult {
  if (isAgain || lease.kind === LeaseKind.Semaphore) {
    const held = leases.heldBy(lease, owner, now);
    const isKnown = held !== undefined || leases.isWaiting(lease, owner);
    if (isKnown) {
      // An owner that waits for its own lease would wait forever.
      if (!isAgain && mayWait) throw alreadyThere(lease);
      const grant = isAgain ? held : undefined;
      return { done: grant !== undefined, grant, handOvers: [], nextExpiry: undefined };
    }
  }
  const served = serveWaiters(leases, lease, now);
  const grant = served.isWaitedFor
    ? undefined
    : new FreeSlots(leases, lease, now).take(slots, owner, ttl);
  const joins = grant === undefined && wait > 0;
  if (joins) leases.enqueue(lease, owner, ttl, slots, now + wait);
  const isWaitedFor = served.isWaitedFor || joins;
  return resultOf(leases, lease, now, grant !== undefined, grant, { ...served, isWaitedFor });
}

/** @internal */
export function extendLease(
  leases: LeaseTable,
  { lease, owner, ttl }: ExtendLeaseCommand,
  now: number,
): LeaseResult {
  const grant = leases.extend(lease, owner, ttl, now);
  const served = serveWaiters(leases, lease, now);
  return resultOf(leases, lease, now, grant !== undefined, grant, served);
}

/** @internal */
export function releaseLease(
  leases: LeaseTable,
  { lease, owner }: ReleaseLeaseCommand,
  now: number,
): LeaseResult {
  const done = leases.release(lease, owner, now);
  return resultOf(leases, lease, now, done, undefined, serveWaiters(leases, lease, now));
}

/** @internal */
export function forceReleaseLease(
  leases: LeaseTable,
  { lease }: ForceReleaseLeaseCommand,
  now: number,
): LeaseResult {
  const done = leases.forceRelease(lease, now);
  return resultOf(leases, lease, now, done, undefined, serveWaiters(leases, lease, now));
}

/** @internal */
export function promoteWaiters(
  leases: LeaseTable,
  { lease }: PromoteWaitersCommand,
  now: number,
): LeaseResult {
  const served = serveWaiters(leases, lease, now);
  return resultOf(leases, lease, now, served.handOvers.length > 0, undefined, served);
}

/** @internal */
export function cancelWait(
  leases: LeaseTable,
  { lease, owner, declines }: CancelWaitCommand,
  now: number,
): LeaseResult {
  const done = leases.cancelWait(lease, owner);
  if (declines) {
    if (!done) leases.release(lease, owner, now);
    return resultOf(leases, lease, now, done, undefined, serveWaiters(leases, lease, now));
  }
  const grant = done ? undefined : leases.heldBy(lease, owner, now);
  return { done, grant, handOvers: [], nextExpiry: undefined };
}

/** @internal */
export function beat(leases: LeaseTable, now: number): LeaseResult {
  leases.beat(now);
  return { done: true, grant: undefined, handOvers: [], nextExpiry: undefined };
}

function alreadyThere({ name }: LeaseName): InvalidArgumentError {
  return new InvalidArgumentError(
    `The owner already holds a slot of the semaphore '${name}', or waits for one.`,
    'Make one handle, with an owner of its own, for each acquisition that runs at the same time.',
  );
}

interface Served {
  readonly handOvers: readonly HandOver[];
  /** Whether others still wait. */
  readonly isWaitedFor: boolean;
  /** Whether more is due now than one command does. */
  readonly isCut: boolean;
}

/** Gives free and expired slots to the waiters, in their order; removes dead waiters from the queue. */
function serveWaiters(leases: LeaseTable, lease: LeaseName, now: number): Served {
  const handOvers: HandOver[] = [];
  const slotsOf = new FreeSlots(leases, lease, now);
  for (let seen = 0; seen < SERVED_AT_ONCE; seen++) {
    const waiter = leases.firstWaiter(lease);
    if (waiter === undefined) return { handOvers, isWaitedFor: false, isCut: false };
    if (leases.isLive(waiter, now)) {
      const { owner, ttl, slots } = waiter;
      const grant = slotsOf.take(slots, owner, ttl);
      if (grant === undefined) return { handOvers, isWaitedFor: true, isCut: false };
      handOvers.push({ lease, owner, grant });
    }
    leases.removeWaiter(waiter.id);
  }
  return { handOvers, isWaitedFor: true, isCut: true };
}

/** The free slots of a lease within one command, which searches for them once. */
class FreeSlots {
  #held: Set<number> | undefined;
  #from = 0;

  constructor(
    private readonly leases: LeaseTable,
    private readonly lease: LeaseName,
    private readonly now: number,
  ) {}

  /** Gives the owner the first free slot. */
  take(slots: number, owner: string, ttl: number): Grant | undefined {
    const { leases, lease, now } = this;
    // For a lock, the statement itself finds out whether it is free.
    if (slots === 1) return leases.take(lease, 0, owner, ttl, now);
    this.#held ??= leases.heldSlots(lease, now);
    while (this.#held.has(this.#from)) this.#from++;
    if (this.#from >= slots) return undefined;
    return leases.take(lease, this.#from++, owner, ttl, now);
  }
}

function resultOf(
  leases: LeaseTable,
  lease: LeaseName,
  now: number,
  done: boolean,
  grant: Grant | undefined,
  { handOvers, isWaitedFor, isCut }: Served,
): LeaseResult {
  const nextExpiry = isCut ? now : isWaitedFor ? leases.nextExpiry(lease, now) : undefined;
  return { done, grant, handOvers, nextExpiry };
}
