import { defineScript } from '../script.js';

/**
 * Forgets leases that ended long ago, in a bounded step. All later tokens stay above theirs. It also forgets nodes without a
 * sign of life for an hour.
 *
 * KEYS: index, floor, beats. ARGV: how long a lease is kept after its end, in microseconds; the number of known leases above
 * which free ones are removed after a minute; how many leases one step checks.
 * Result: [how many it checked, kind and name of leases with waiters, ..].
 *
 * @internal
 */
export const FORGET_LEASES = defineScript(
  'forget-leases',
  `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local prefix = string.sub(KEYS[1], 1, -2) .. 'h:'
local keep = tonumber(ARGV[1])
if redis.call('ZCARD', KEYS[1]) > tonumber(ARGV[2]) then keep = math.min(keep, 60000000) end
local before = now - keep
local due = redis.call('ZRANGE', KEYS[1], '-inf', before, 'BYSCORE', 'LIMIT', 0, ARGV[3])
local floor, waited = 0, { #due }
for _, field in ipairs(due) do
  local row = redis.call('GETEX', prefix .. field)
  if not row then
    redis.call('ZREM', KEYS[1], field)
  else
    local used = tonumber(string.sub(row, 17, 32))
    local at = 34
    while at <= #row do
      used = math.max(used, tonumber(string.sub(row, at + 16, at + 31)))
      at = at + 57 + tonumber(string.sub(row, at + 53, at + 56))
    end
    if string.sub(row, 33, 33) == '1' then
      waited[#waited + 1] = field
      used = math.max(used, now)
    end
    if used <= before then
      floor = math.max(floor, tonumber(string.sub(row, 1, 16)))
      redis.call('UNLINK', prefix .. field)
      redis.call('ZREM', KEYS[1], field)
    else
      redis.call('ZADD', KEYS[1], used, field)
    end
  end
end
if floor > tonumber(redis.call('GETEX', KEYS[2]) or '0') then
  redis.call('SET', KEYS[2], string.format('%.0f', floor))
end
local beats = redis.call('HGETALL', KEYS[3])
for place = 1, #beats, 2 do
  if tonumber(beats[place + 1]) < now - 3600000000 then redis.call('HDEL', KEYS[3], beats[place]) end
end
return waited`,
  { allowsOom: true },
);
