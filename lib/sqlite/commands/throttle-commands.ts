import type {
  ResetThrottleCommand,
  ResetThrottleResult,
  ThrottleCommand,
} from '../../engine/command.js';
import { decideThrottle, type ThrottleDecision } from '../../engine/throttle.js';
import type { ThrottleTable } from '../throttle-table.js';

/** `throttle`: judges and counts one hit. @internal */
export function throttle(
  throttles: ThrottleTable,
  { throttle: name, limits }: ThrottleCommand,
  now: number,
): ThrottleDecision {
  const known = throttles.find(name);
  const { decision, next } = decideThrottle(known, limits, now);
  if (known === undefined) throttles.add(name, next);
  // What is blocked stays as it is: a flood writes nothing.
  else if (!decision.isBlocked || next.blockUntil !== known.blockUntil) {
    throttles.set(known.id, next);
  } else if (next.periodEnd !== known.periodEnd) throttles.set(known.id, next);
  return decision;
}

/** `resetThrottle`: forgets a key, of one throttler or of all. @internal */
export function resetThrottle(
  throttles: ThrottleTable,
  { throttle: { key, name } }: ResetThrottleCommand,
): ResetThrottleResult {
  return { reset: throttles.remove(key, name) };
}
