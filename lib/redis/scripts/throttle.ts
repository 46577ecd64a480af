import { defineScript } from '../script.js';

/*
 * The state of a key is one string. For each throttler it holds: length of the name (4 digits), length of the rest (6), name,
 * and the rest as numbers: when nothing of it counts any longer, end of the period, end of the block, longest ttl, longest
 * block, single hits, end of the last of them, number of the next one, then groups of hits: how many, and when they end. Single
 * hits are in a sorted set by their end. Times are Unix ms. Scripts read the string by GETEX, and they count hits by removing
 * those that have ended. So neither is tracked, and no hit is pushed to other nodes.
 */

/** `now`, `records` of the other throttlers, `known` numbers of this one. KEYS[1]: the string; `name`. */
const READ = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local text = redis.call('GETEX', KEYS[1]) or ''
local others, known, at = {}, nil, 1
while at <= #text do
  local nameSize, size = tonumber(string.sub(text, at, at + 3)), tonumber(string.sub(text, at + 4, at + 9))
  local rest = string.sub(text, at + 10 + nameSize, at + 9 + nameSize + size)
  local record = string.sub(text, at, at + 9 + nameSize + size)
  if string.sub(text, at + 10, at + 9 + nameSize) == name then
    known = {}
    for number in string.gmatch(rest, '%S+') do known[#known + 1] = tonumber(number) end
  else
    local ends = tonumber(string.match(rest, '^%S+'))
    if ends > now then others[#others + 1] = { record = record, ends = ends } end
  end
  at = at + 10 + nameSize + size
end`;

/** `write(record, ends)`: stores this throttler's record, if any, next to those of the other throttlers. */
const WRITE = `
local function write(record, ends)
  local records = { record }
  for _, other in ipairs(others) do
    records[#records + 1] = other.record
    ends = math.max(ends, other.ends)
  end
  if #records == 0 then
    redis.call('UNLINK', KEYS[1])
  else
    local ms = string.format('%.0f', math.max(1, math.ceil(ends - now)))
    redis.call('SET', KEYS[1], table.concat(records), 'PX', ms)
  end
end`;

/**
 * Decides on one more hit, by the same rules as `decideThrottle`.
 *
 * KEYS: the key's string, its single hits. ARGV: name of the throttler, limit, ttl, duration of a block, window.
 * Result: [hits, 1 when it is blocked, ms until the period ends, ms until the block ends]; the times as text.
 *
 * @internal
 */
export const THROTTLE = defineScript(
  'throttle',
  `
local name, limit, ttl, block = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
${READ}
${WRITE}
local groups = {}
local periodEnd, blockUntil, longestTtl, longestBlock, singles, lastEnd, serial = 0, 0, 0, 0, 0, 0, 0
if known then
  periodEnd, blockUntil, longestTtl, longestBlock = known[2], known[3], known[4], known[5]
  singles, lastEnd, serial = known[6], known[7], known[8]
  for place = 9, #known, 2 do groups[#groups + 1] = { known[place], known[place + 1] } end
end
local isDirty = false
local function digits(value) return string.format('%.17g', value) end
-- No time is farther ahead than it can be: the clock may have been set back.
local latest = now + longestTtl
if singles > 0 and lastEnd > latest then
  for _, hit in ipairs(redis.call('ZRANGE', KEYS[2], '(' .. digits(latest), '+inf', 'BYSCORE')) do
    redis.call('ZADD', KEYS[2], digits(latest), hit)
  end
  lastEnd, isDirty = latest, true
end
for _, group in ipairs(groups) do group[2] = math.min(group[2], latest) end
local storedPeriod, storedBlock, storedTtl = periodEnd, blockUntil, longestTtl
periodEnd = math.min(periodEnd, latest)
blockUntil = math.min(blockUntil, now + longestBlock)
if not known or (block > 0 and blockUntil > 0 and blockUntil <= now) then
  -- The remaining hits of a key that was evicted no longer count.
  redis.call('UNLINK', KEYS[2])
  groups, singles, lastEnd = {}, 0, 0
elseif singles > 0 and lastEnd <= now then
  -- The server may have removed them by itself.
  redis.call('UNLINK', KEYS[2])
  singles, isDirty = 0, true
elseif singles > 0 then
  local ended = redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', digits(now))
  if ended > 0 then singles, isDirty = math.max(0, singles - ended), true end
end
local live, total = {}, singles
for _, group in ipairs(groups) do
  if group[2] > now then
    live[#live + 1] = group
    total = total + group[1]
  end
end
periodEnd = periodEnd > now and periodEnd or now + ttl
longestTtl = math.max(limit > 1000 and ttl + ttl / 32 or ttl, total > 0 and longestTtl or 0)
local untilPeriod, untilBlock, isBlocked, hits = periodEnd - now, 0, false, total + 1
if block > 0 and blockUntil > now then
  isBlocked, hits, untilBlock = true, total, blockUntil - now
elseif block <= 0 and total >= limit then
  isBlocked, untilBlock = true, untilPeriod
  if total > 0 then
    local first = singles > 0 and tonumber(redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')[2]) or nil
    for _, group in ipairs(live) do first = math.min(first or group[2], group[2]) end
    untilBlock = (first or periodEnd) - now
  end
else
  isDirty = true
  storedTtl = longestTtl
  if ARGV[5] == 'fixed' or limit > 1000 then
    local ends = periodEnd
    if ARGV[5] ~= 'fixed' then
      local grain = ttl / 32
      ends = grain > 0 and math.ceil((now + ttl) / grain) * grain or now
    end
    local same
    for _, group in ipairs(live) do
      if group[2] == ends then same = group end
    end
    if same then same[1] = same[1] + 1 else live[#live + 1] = { 1, ends } end
    while #live > 128 do
      local first = table.remove(live, 1)
      live[1] = { first[1] + live[1][1], math.max(first[2], live[1][2]) }
    end
  else
    lastEnd = math.max(lastEnd, now + ttl)
    singles, serial = singles + 1, serial + 1
    redis.call('ZADD', KEYS[2], digits(now + ttl), serial)
    redis.call('PEXPIRE', KEYS[2], string.format('%.0f', math.max(1, math.ceil(lastEnd - now))))
  end
  if block <= 0 or hits <= limit then
    blockUntil = 0
  else
    isBlocked, untilBlock, blockUntil, longestBlock = true, block, now + block, block
  end
end
if periodEnd ~= storedPeriod or blockUntil ~= storedBlock then isDirty, storedTtl = true, longestTtl end
-- A blocked key stays unchanged, so a flood writes nothing.
if isDirty then
  local ends = math.max(periodEnd, blockUntil, singles > 0 and lastEnd or 0)
  local numbers = { 0, periodEnd, blockUntil, storedTtl, longestBlock, singles, lastEnd, serial }
  for _, group in ipairs(live) do
    ends = math.max(ends, group[2])
    numbers[#numbers + 1] = group[1]
    numbers[#numbers + 1] = group[2]
  end
  numbers[1] = ends
  for place, number in ipairs(numbers) do numbers[place] = digits(number) end
  local rest = table.concat(numbers, ' ')
  write(string.format('%04d%06d', #name, #rest) .. name .. rest, ends)
end
return { hits, isBlocked and 1 or 0, digits(untilPeriod), digits(untilBlock) }`,
);

/**
 * Forgets a key, for one throttler or for all. KEYS: the key's string. ARGV: the prefix of the names of its single hits, and
 * the throttler, if only one is meant. Result: 1 when anything was known.
 *
 * @internal
 */
export const RESET_THROTTLE = defineScript(
  'reset-throttle',
  `
local name = ARGV[2]
${READ}
${WRITE}
if name then
  redis.call('UNLINK', ARGV[1] .. name)
  if known then write(nil, 0) end
  return known and 1 or 0
end
local from = 1
while from <= #text do
  local nameSize, size = tonumber(string.sub(text, from, from + 3)), tonumber(string.sub(text, from + 4, from + 9))
  redis.call('UNLINK', ARGV[1] .. string.sub(text, from + 10, from + 9 + nameSize))
  from = from + 10 + nameSize + size
end
return redis.call('UNLINK', KEYS[1])`,
  { allowsOom: true },
);
