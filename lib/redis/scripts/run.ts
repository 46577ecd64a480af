import { defineScript } from '../script.js';

/**
 * Notes the start of a run, if it may begin, by the same rules as `decideRun`.
 *
 * KEYS: last run of the name, index. ARGV: name, id, slot or '', window, the caller's time, how far that may be from the
 * server's, `start` or `success`, node, how many names are remembered, the prefix of the keys of runs.
 * Result: `begun`, `skipped` or `skewed`.
 *
 * @internal
 */
export const BEGIN_RUN = defineScript(
  'begin-run',
  `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local slot, window, skew = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[6])
if math.abs(now - tonumber(ARGV[5])) > skew then return 'skewed' end
local last, ok = unpack(redis.call('HMGET', KEYS[1], 'slot', 'ok'))
if last then
  last = tonumber(last)
  -- The caller holds the lease, so a run that has not ended never will.
  local isFreed = ARGV[7] == 'success' and ok ~= '1'
  local mayBegin
  if slot then
    mayBegin = slot > last or (isFreed and slot == last) or last > math.max(now, slot) + 2 * skew
  else
    mayBegin = now - last >= window or last > now or isFreed
  end
  if not mayBegin then return 'skipped' end
end
redis.call('HSET', KEYS[1], 'id', ARGV[2], 'slot', string.format('%.17g', slot or now),
  'startedAt', string.format('%.0f', now), 'finishedAt', '', 'ok', '', 'node', ARGV[8])
redis.call('ZADD', KEYS[2], now, ARGV[1])
if not last then
  local over = redis.call('ZCARD', KEYS[2]) - tonumber(ARGV[9])
  if over > 0 then
    for _, name in ipairs(redis.call('ZRANGE', KEYS[2], 0, math.min(over, 100) - 1)) do
      redis.call('UNLINK', ARGV[10] .. name)
      redis.call('ZREM', KEYS[2], name)
    end
  end
end
return 'begun'`,
);

/**
 * Notes the end of a run. KEYS: last run of the name. ARGV: id, `1` when it ended without an error, else `0`.
 * Result: 1 when it was the last run of its name.
 *
 * @internal
 */
export const FINISH_RUN = defineScript(
  'finish-run',
  `
if redis.call('HGET', KEYS[1], 'id') ~= ARGV[1] then return 0 end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], 'finishedAt', string.format('%.0f', now), 'ok', ARGV[2])
return 1`,
  { allowsOom: true },
);
