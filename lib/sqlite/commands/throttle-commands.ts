import type { ResetThrottleCommand, ThrottleCommand } from '../../engine/command.js';
import type { ResetThrottleResult } from '../../engine/command-result.js';
import { decideThrottle, type ThrottleDecision } from '../../engine/throttle.js';
import type { ThrottleTable } from '../throttle-table.js';

/** `throttle`: decides on one hit and counts it. @internal */
export function throttle(
  throttles: ThrottleTable,
  { throttle: name, limits }: ThrottleCommand,
  now: number,
): ThrottleDecision {
  const known = throttles.find(name);
  const { decision, next } = decideThrottle(known, limits, now);
  if (known === undefined) throttles.add(name, next);
  // A blocked state stays unchanged: a flood writes nothing.
  else if (!decision.isBlocked || next.blockUntil !== known.blockUntil) {
    throttles.set(known.id, next);
  } else if (next.periodEnd !== known.periodEnd) throttles.set(known.id, next);
  return decision;
}

/** `resetThrottle`: forgets a key, for one throttler or for all. @internal */
export function resetThrottle(
  throttles: ThrottleTable,
  { throttle: { key, name } }: ResetThrottleCommand,
): ResetThrottleResult {
  return { reset: throttles.remove(key, name) };
}
