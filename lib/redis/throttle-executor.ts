import type { ResetThrottleCommand, ThrottleCommand } from '../engine/command.js';
import type { ResetThrottleResult } from '../engine/command-result.js';
import type { ThrottleDecision } from '../engine/throttle.js';
import type { RedisKeys } from './redis-keys.js';
import type { Commands } from './redis-link.js';
import { RESET_THROTTLE, THROTTLE } from './scripts/throttle.js';

/** `throttle`: decides on one hit and counts it, by the server's clock. @internal */
export async function throttle(
  commands: Commands,
  keys: RedisKeys,
  { throttle: { key, name }, limits }: ThrottleCommand,
): Promise<ThrottleDecision> {
  const { limit, ttl, blockDuration, window } = limits;
  const args = [name, String(limit), String(ttl), String(blockDuration), window];
  const hits = [keys.throttle(key), keys.throttleHits(key, name)];
  const reply = await commands.run(THROTTLE, hits, args);
  const [totalHits, isBlocked, timeToExpire, timeToBlockExpire] = Array.isArray(reply)
    ? reply.map((value) => Number(String(value)))
    : [];
  return {
    totalHits: totalHits ?? 0,
    isBlocked: isBlocked === 1,
    timeToExpire: timeToExpire ?? 0,
    timeToBlockExpire: timeToBlockExpire ?? 0,
  };
}

/** `resetThrottle`: forgets a key, for one throttler or for all. @internal */
export async function resetThrottle(
  commands: Commands,
  keys: RedisKeys,
  { throttle: { key, name } }: ResetThrottleCommand,
): Promise<ResetThrottleResult> {
  const args = [keys.throttleHits(key), ...(name === undefined ? [] : [name])];
  return { reset: (await commands.run(RESET_THROTTLE, [keys.throttle(key)], args)) === 1 };
}
