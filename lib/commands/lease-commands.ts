import type { Grant, LeaseName, LeaseTable } from '../storage/lease-table.js';
import type {
  AcquireLeaseCommand,
  CancelWaitCommand,
  ExtendLeaseCommand,
  ForceReleaseLeaseCommand,
  HandOver,
  LeaseResult,
  PromoteWaitersCommand,
  ReleaseLeaseCommand,
} from './command.js';

/**
 * Takes a free or expired slot, unless others wait for one: they come first.
 *
 * @param now of all functions here: ms on the monotonic clock
 * @internal
 */
export function acquireLease(
  leases: LeaseTable,
  { lease, owner, ttl, slots, wait }: AcquireLeaseCommand,
  now: number,
): LeaseResult {
  const handOvers = serveWaiters(leases, lease, now);
  const isNext = leases.firstWaiter(lease, now) === undefined;
  const grant = isNext ? takeSlot(leases, lease, slots, owner, ttl, now) : undefined;
  if (grant === undefined && wait > 0) leases.enqueue(lease, owner, ttl, slots, now + wait);
  return resultOf(leases, lease, now, grant !== undefined, grant, handOvers);
}

/** @internal */
export function extendLease(
  leases: LeaseTable,
  { lease, owner, ttl }: ExtendLeaseCommand,
  now: number,
): LeaseResult {
  const grant = leases.extend(lease, owner, ttl, now);
  return { done: grant !== undefined, grant, handOvers: [], nextExpiry: undefined };
}

/** @internal */
export function releaseLease(
  leases: LeaseTable,
  { lease, owner }: ReleaseLeaseCommand,
  now: number,
): LeaseResult {
  const done = leases.release(lease, owner, now);
  const handOvers = serveWaiters(leases, lease, now);
  return resultOf(leases, lease, now, done, undefined, handOvers);
}

/** @internal */
export function forceReleaseLease(
  leases: LeaseTable,
  { lease }: ForceReleaseLeaseCommand,
  now: number,
): LeaseResult {
  const done = leases.forceRelease(lease, now);
  const handOvers = serveWaiters(leases, lease, now);
  return resultOf(leases, lease, now, done, undefined, handOvers);
}

/** @internal */
export function promoteWaiters(
  leases: LeaseTable,
  { lease }: PromoteWaitersCommand,
  now: number,
): LeaseResult {
  const handOvers = serveWaiters(leases, lease, now);
  return resultOf(leases, lease, now, handOvers.length > 0, undefined, handOvers);
}

/** @internal */
export function cancelWait(
  leases: LeaseTable,
  { lease, owner }: CancelWaitCommand,
  now: number,
): LeaseResult {
  const done = leases.cancelWait(lease, owner);
  const grant = done ? undefined : leases.heldBy(lease, owner, now);
  return resultOf(leases, lease, now, done, grant, []);
}

/** @internal */
export function beat(leases: LeaseTable, now: number): LeaseResult {
  leases.beat(now);
  return { done: true, grant: undefined, handOvers: [], nextExpiry: undefined };
}

/** Gives free and expired slots to those who wait, in their order. */
function serveWaiters(leases: LeaseTable, lease: LeaseName, now: number): HandOver[] {
  const handOvers: HandOver[] = [];
  for (;;) {
    const waiter = leases.firstWaiter(lease, now);
    if (waiter === undefined) return handOvers;
    const { id, owner, ttl, slots } = waiter;
    const grant = takeSlot(leases, lease, slots, owner, ttl, now);
    if (grant === undefined) return handOvers;
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
  handOvers: readonly HandOver[],
): LeaseResult {
  let nextExpiry: number | undefined;
  if (leases.firstWaiter(lease, now) !== undefined) {
    for (const { expiresAt } of leases.holders(lease, now)) {
      nextExpiry = Math.min(nextExpiry ?? Infinity, expiresAt);
    }
  }
  return { done, grant, handOvers, nextExpiry };
}
