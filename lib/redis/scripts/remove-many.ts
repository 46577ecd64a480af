import { defineScript } from '../script.js';
import { ENTRY, NOW, NUMBER, STALE } from './fragments.js';

/**
 * Deletes entries, or makes them stale. With a tag, it changes only entries that have the tag. For a deleted tag, it spares
 * entries that were written after a number.
 *
 * KEYS: counter, generation, then the entries
 * ARGV: floor, space, 'delete' | 'expire', the number, tag or '', the version that the tag had or ''
 * Returns: for each entry 2 when it was fresh, 1 when it existed, 0 when it was spared
 */
export const REMOVE_MANY = defineScript(
  'remove-many',
  `${NUMBER}${NOW}${ENTRY}${STALE}
local space, tag, version = ARGV[2], ARGV[5], ARGV[6]
local before = tonumber(ARGV[4])
local g = redis.call('GET', KEYS[2])
-- The version of a deleted tag has already changed, so its entries are compared with the previous version.
local function versionOf(v)
  if string.sub(v, 3, 3) == '0' then return nil end
  local at, stop = 73, tonumber(string.sub(v, 4, 8)) or 0
  while at <= stop do
    local size = tonumber(string.sub(v, at, at + 3))
    if not size or size < 1 then return nil end
    if string.sub(v, at + 4, at + 3 + size) == tag then return string.sub(v, at + 4 + size, at + 19 + size) end
    at = at + 20 + size
  end
  return nil
end
-- A deleted tag changes its version immediately, so entries that were written since then stay. A prefix has no such moment, and
-- revisions of two nodes have no order. So each entry is checked now; otherwise an entry that is touched meanwhile would
-- survive.
local isTagDeleted = tag ~= '' and ARGV[3] == 'delete'
local results = {}
for i = 3, #KEYS do
  -- A value that another program has put here stays.
  local v = redis.pcall('GET', KEYS[i])
  if type(v) ~= 'string' then v = false end
  local result = 0
  local isEntry = v and string.sub(v, 1, 1) == '1'
  if isEntry and (tag == '' or versionOf(v)) and not (isTagDeleted and (tonumber(string.sub(v, 9, 24)) or 0) > before) then
    local valid
    if isTagDeleted then
      valid = string.sub(v, 25, 40) == g and (tonumber(string.sub(v, 41, 56)) or 0) > now() and versionOf(v) == version
    else valid = isValid(v, g, space)
    end
    result = valid and isFresh(v) and 2 or 1
    local field = string.sub(v, 57, 72)
    if ARGV[3] == 'delete' or not valid or field == string.sub(v, 41, 56) then
      redis.call('UNLINK', KEYS[i])
    else
      redis.call('SETRANGE', KEYS[i], 8, digits(number(KEYS[1], tonumber(ARGV[1]))))
      redis.call('SETRANGE', KEYS[i], 56, staleDigits(field))
    end
  elseif v and not isEntry and tag == '' then
    redis.call('UNLINK', KEYS[i])
    result = 1
  end
  results[i - 2] = result
end
return results
`,
  { allowsOom: true },
);
