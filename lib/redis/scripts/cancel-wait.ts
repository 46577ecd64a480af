import { defineScript } from '../script.js';
import { LEASE_STATE, READ_LEASE, SERVE_WAITERS, unlessLate } from './lease-state.js';

/**
 * Leaves the queue. A lease that was granted meanwhile is kept, or passes on to the next waiter.
 *
 * KEYS: lease, queue, waiters, beats. ARGV: owner, `keep` or `decline` or the token of the one lease to decline, node, the
 * caller's floor, the time after which it is too late.
 * Result: -2 when it is too late; or [the kept token or 0, until the next end, what the node's waiters received].
 *
 * @internal
 */
export const CANCEL_WAIT = defineScript(
  'cancel-wait',
  `${READ_LEASE}${unlessLate('ARGV[5]')}
if not row then return { 0, -1, {} } end
local owner, node, floor = ARGV[1], ARGV[3], tonumber(ARGV[4])
${LEASE_STATE}
${SERVE_WAITERS}
local kept
local how = ARGV[2]
local isTold = how == 'keep' or how == 'decline'
if isTold and redis.call('ZREM', KEYS[2], owner) == 1 then
  redis.call('HDEL', KEYS[3], owner)
else
  local place, mine = find(owner)
  if mine and (how == 'decline' or tonumber(how) == mine.token) then
    table.remove(held, place)
    ended = now
  elseif mine and how == 'keep' then
    mine.ends, mine.state, kept = now + mine.ttl, 'f', mine.token
  end
end
serve()
save()
return answer(kept or 0)`,
  { allowsOom: true },
);
