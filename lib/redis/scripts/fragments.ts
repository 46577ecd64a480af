/*
 * Lua fragments with which several scripts begin. The positions are those of ../entry-format.ts. Lua counts bytes from 1.
 */

/** `number(counter, floor)`: the next number. After a loss of the counter, the clock gives it; it is always above the floor. */
export const NUMBER = `
local function number(counter, floor)
  local n = redis.call('INCRBY', counter, 128)
  if n < floor then
    local t = redis.call('TIME')
    local at = (t[1] - 1767225600) * 8000000 + t[2] * 8
    n = math.max(at - at % 128, floor + 128 - floor % 128)
    redis.call('SET', counter, string.format('%.0f', n))
  end
  return n
end
local function digits(n) return string.format('%016.0f', n) end
`;

/** `now()`: Unix ms. */
export const NOW = `
local clock
local function now()
  if not clock then
    local t = redis.call('TIME')
    clock = t[1] * 1000 + math.floor(t[2] / 1000)
  end
  return clock
end
`;

/**
 * `isValid(v, g, space, endless)`: whether the entry is of this generation and each of its tags has the version of the write.
 * With `endless`, an entry that has ended counts too. An entry with a damaged header does not.
 * `isFresh(v)`: whether plain reads find a valid entry. Needs {@link NOW}.
 */
export const ENTRY = `
local function isValid(v, g, space, endless)
  if not v or string.sub(v, 1, 1) ~= '1' or string.sub(v, 25, 40) ~= g then return false end
  local ends, stop = tonumber(string.sub(v, 41, 56)), tonumber(string.sub(v, 4, 8))
  if not ends or not stop or stop > #v then return false end
  if not endless and ends <= now() then return false end
  if string.sub(v, 3, 3) == '0' then return true end
  local at = 73
  while at <= stop do
    local size = tonumber(string.sub(v, at, at + 3))
    if not size or size < 1 then return false end
    local tag = string.sub(v, at + 4, at + 3 + size)
    if redis.call('GET', space .. 't:' .. tag) ~= string.sub(v, at + 4 + size, at + 19 + size) then return false end
    at = at + 20 + size
  end
  return true
end
local function isFresh(v)
  local fresh = string.sub(v, 57, 72)
  if fresh == string.sub(v, 41, 56) then return true end
  return string.sub(fresh, 1, 1) ~= '-' and (tonumber(fresh) or 0) > now()
end
`;

/** `staleDigits(fresh)`: the fresh-until field of an entry that becomes stale now. Needs {@link NOW}. */
export const STALE = `
local function staleDigits(fresh)
  if string.sub(fresh, 1, 1) == '-' then
    return string.sub(fresh, 1, 14) .. string.format('%02d', ((tonumber(string.sub(fresh, 15)) or 0) + 1) % 100)
  end
  return '-' .. string.format('%013.0f', math.min(tonumber(fresh) or 0, now())) .. '00'
end
`;

/**
 * `isOverdue(seen, g, fences, key, space, first)`: whether the space was cleared after the number `seen`, or a change of many
 * entries concerned the key or one of the tags `ARGV[first..]`.
 */
export const OVERDUE = `
local function isOverdue(seen, g, fences, key, space, first)
  if tonumber(g) > tonumber(seen) then return true end
  for _, member in ipairs(redis.call('ZRANGE', fences, '(' .. seen, '+inf', 'BYSCORE')) do
    local name = string.sub(member, 2)
    if string.sub(member, 1, 1) == 'p' then
      if string.sub(key, 1, #name) == name then return true end
    else
      for i = first, #ARGV do
        if ARGV[i] == name then return true end
      end
    end
  end
  for i = first, #ARGV do
    local version = redis.call('GET', space .. 't:' .. ARGV[i])
    if version and tonumber(version) > tonumber(seen) then return true end
  end
  return false
end
`;

/** `isMark(v, claim)`: whether the value is the marker of a claim, held or released. */
export const MARK = `
local function isMark(v, claim)
  if not v or string.sub(claim, 1, 1) ~= 'C' then return false end
  return v == claim or v == 'R' .. string.sub(claim, 2)
end
`;
