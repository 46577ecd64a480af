import { defineScript } from '../script.js';
import { ALIVE_MS, LEASE_STATE, READ_LEASE, SERVE_WAITERS, unlessLate } from './lease-state.js';

/**
 * Takes a lease that is free and has no waiters, or joins the queue. A known, free lease without waiters costs one read and one
 * write.
 *
 * KEYS: lease, queue, waiters, beats, index, floor. ARGV: owner, ttl, slots, how long to wait, node, the caller's floor, `1`
 * when the owner was in the queue before, the time after which it is too late. The times are in microseconds.
 * Result: the token; 0 without one; -1 when the owner already holds the lease or waits for it; -2 when it is too late; or
 * [token or 0, until the next end, what the node's waiters received, 1 when the node was considered dead].
 *
 * @internal
 */
export const ACQUIRE_LEASE = defineScript(
  'acquire-lease',
  `${READ_LEASE}${unlessLate('ARGV[8]')}
local owner, ttl, slots, wait = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local node, floor = ARGV[5], tonumber(ARGV[6])
local field = string.sub(KEYS[1], #KEYS[4] + 2)
if not row or (#row == 33 and string.sub(row, 33) == '0') then
  local last = row and string.sub(row, 1, 16) or redis.call('GETEX', KEYS[6]) or 0
  local token = math.max(last + 1, floor + 1, now)
  redis.call('SET', KEYS[1], string.format('%016.0f%016d0%016.0f%016.0f%016.0f0000f%04d',
    token, 0, token, now + ttl, ttl, #owner) .. owner)
  if not row then redis.call('ZADD', KEYS[5], now, field) end
  return token
end
${LEASE_STATE}
${SERVE_WAITERS}
local isAgain = ARGV[7] == '1'
local _, mine = find(owner)
local place = waits == '1' and redis.call('ZSCORE', KEYS[2], owner)
if place and not isAgain then
  -- An owner whose node left it behind may ask again.
  local waiter = redis.call('HGET', KEYS[3], owner)
  local beat = waiter and redis.call('HGET', KEYS[4], string.sub(waiter, 37))
  if waiter and tonumber(string.sub(waiter, 1, 16)) > now and beat and
    tonumber(beat) > now - ${ALIVE_MS}000 then
    return -1
  end
  redis.call('ZREM', KEYS[2], owner)
  redis.call('HDEL', KEYS[3], owner)
  place = false
end
if mine and not place and isAgain then
  mine.ttl, mine.ends, mine.state = ttl, now + ttl, 'f'
  save()
  return mine.token
end
if mine and string.sub(field, 1, 1) == '1' then return -1 end
local before, waited = last, waits
serve()
local token
if not place and waits == '0' then token = take(owner, slots, ttl, now + ttl, 'f') end
if not token and wait == 0 then
  if last ~= before or waits ~= waited then save() end
  return { 0, left(), given, 0 }
end
local lapsed = 0
if not token then
  local beat = redis.call('HGET', KEYS[4], node)
  if beat and tonumber(beat) <= now - ${ALIVE_MS}000 then lapsed = 1 end
  redis.call('HSET', KEYS[4], node, string.format('%.0f', now))
  if not place then
    local newest = redis.call('ZRANGE', KEYS[2], -1, -1, 'WITHSCORES')[2]
    redis.call('ZADD', KEYS[2], math.max(now, newest and newest + 1 or 0), owner)
    redis.call('HSET', KEYS[3], owner, string.format('%016.0f%016.0f%04d%s', now + wait, ttl, slots, node))
    waits = '1'
  end
end
save()
if token and waits == '0' and #given == 0 then return token end
return { token or 0, left(), given, lapsed }`,
  { allowsOom: true },
);
