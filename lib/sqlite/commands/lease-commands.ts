import { InvalidArgumentError } from '../../common/errors.js';
import { LeaseKind, type Grant, type LeaseName } from '../../engine/lease.js';
import type { LeaseTable } from '../lease-table.js';
import type {
  AcquireLeaseCommand,
  CancelWaitCommand,
  ExtendLeaseCommand,
  ForceReleaseLeaseCommand,
  HandOver,
  LeaseResult,
  PromoteWaitersCommand,
  ReleaseLeaseCommand,
} from '../../engine/command.js';

/**
 * Takes a free or expired slot, unless others wait for one: they come first. An owner has one slot of a semaphore at
 * most, because a release names the owner and no slot.
 *
 * @param now of all functions here: ms on the monotonic clock
 * @throws {HC_ARGUMENT_INVALID} the owner holds a slot of the semaphore, or waits for one
 * @internal
 */
export function acquireLease(
  leases: LeaseTable,
  { lease, owner, ttl, slots, wait, isAgain = false }: AcquireLeaseCommand,
  now: number,
): LeaseResult {
  if (lease.kind === LeaseKind.Semaphore) {
    const held = leases.heldBy(lease, owner, now);
    const isKnown = held !== undefined || leases.isWaiting(lease, owner);
    if (isKnown && !isAgain) throw alreadyThere(lease);
    if (isKnown)
      return { done: held !== undefined, grant: held, handOvers: [], nextExpiry: undefined };
  }
  const { handOvers, isWaitedFor } = serveWaiters(leases, lease, now);
  const grant = isWaitedFor ? undefined : takeSlot(leases, lease, slots, owner, ttl, now);
  const joins = grant === undefined && wait > 0;
  if (joins) leases.enqueue(lease, owner, ttl, slots, now + wait);
  const served = { handOvers, isWaitedFor: isWaitedFor || joins };
  return resultOf(leases, lease, now, grant !== undefined, grant, served);
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
  /** Whether somebody waits still. */
  readonly isWaitedFor: boolean;
}

/** Gives free and expired slots to those who wait, in their order. */
function serveWaiters(leases: LeaseTable, lease: LeaseName, now: number): Served {
  const handOvers: HandOver[] = [];
  for (;;) {
    const waiter = leases.firstWaiter(lease, now);
    if (waiter === undefined) return { handOvers, isWaitedFor: false };
    const { id, owner, ttl, slots } = waiter;
    const grant = takeSlot(leases, lease, slots, owner, ttl, now);
    if (grant === undefined) return { handOvers, isWaitedFor: true };
    leases.removeWaiter(id);
    handOvers.push({ lease, owner, grant });
  }
}

function takeSlot(
  leases: LeaseTable,
  lease: LeaseName,
  slots: number,
  owner: string,
  ttl: number,
  now: number,
): Grant | undefined {
  for (let slot = 0; slot < slots; slot++) {
    const grant = leases.take(lease, slot, owner, ttl, now);
    if (grant !== undefined) return grant;
  }
  return undefined;
}

function resultOf(
  leases: LeaseTable,
  lease: LeaseName,
  now: number,
  done: boolean,
  grant: Grant | undefined,
  { handOvers, isWaitedFor }: Served,
): LeaseResult {
  let nextExpiry: number | undefined;
  if (isWaitedFor) {
    for (const { expiresAt } of leases.holders(lease, now)) {
      nextExpiry = Math.min(nextExpiry ?? Infinity, expiresAt);
    }
  }
  return { done, grant, handOvers, nextExpiry };
}
