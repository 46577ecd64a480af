import { defineScript } from '../script.js';
import { LEASE_STATE, READ_LEASE, SERVE_WAITERS, unlessLate } from './lease-state.js';

/**
 * Ends the lease of the live owner, and grants it to the first waiter. Without waiters it costs one read and one write.
 *
 * KEYS: lease, queue, waiters, beats. ARGV: owner, node, the caller's floor, the time after which it is too late.
 * Result: 1 when the owner held it, else 0; -2 when it is too late; or [1 or 0, until the next end, what the node's waiters
 * received].
 *
 * @internal
 */
export const RELEASE_LEASE = defineScript(
  'release-lease',
  `${READ_LEASE}${unlessLate('ARGV[4]')}
if not row then return 0 end
local owner = ARGV[1]
if string.sub(row, 33, 33) == '0' and #row == 90 + #owner and string.sub(row, 91) == owner then
  if tonumber(string.sub(row, 50, 65)) <= now then return 0 end
  redis.call('SET', KEYS[1], string.format('%s%016.0f0', string.sub(row, 1, 16), now))
  return 1
end
local node, floor = ARGV[2], tonumber(ARGV[3])
${LEASE_STATE}
${SERVE_WAITERS}
local place = find(owner)
if place then
  table.remove(held, place)
  ended = now
end
serve()
save()
return answer(place and 1 or 0)`,
  { allowsOom: true },
);

/**
 * As {@link RELEASE_LEASE}, for any holder. ARGV: node, the caller's floor. Result: [1 when there was a holder, ..].
 *
 * @internal
 */
export const FORCE_RELEASE_LEASE = defineScript(
  'force-release-lease',
  `${READ_LEASE}
if not row then return { 0, -1, {} } end
local node, floor = ARGV[1], tonumber(ARGV[2])
${LEASE_STATE}
${SERVE_WAITERS}
local wasHeld = #held > 0
if wasHeld then
  held = {}
  ended = now
end
serve()
save()
return answer(wasHeld and 1 or 0)`,
  { allowsOom: true },
);
