import { defineScript } from '../script.js';
import { LEASE_STATE, READ_LEASE, SERVE_WAITERS, unlessLate } from './lease-state.js';

/**
 * Leaves the queue. What was given meanwhile is kept from now on, or goes on to the next.
 *
 * KEYS: lease, queue, waiters, beats. ARGV: owner, `keep` or `decline` or the token of the one lease that is declined,
 * node, the caller's floor, after when it is too late.
 * Result: -2 when it is too late; or [token that is kept, or 0, until the next end, what was given to the node's waiters].
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
