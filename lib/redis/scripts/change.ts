import { defineScript } from '../script.js';
import { ENTRY, NOW, NUMBER, STALE } from './fragments.js';

/**
 * Gives a fresh entry a new deadline. Its windows keep their lengths.
 *
 * KEYS: entry, counter, generation
 * ARGV: floor, space, fresh-until, PXAT of an entry that never ends, '1' for an entry to which the server gives no time to live
 * Returns: whether there was an entry, and its revision
 */
export const TOUCH = defineScript(
  'touch',
  `${NUMBER}${NOW}${ENTRY}
local v = redis.call('GET', KEYS[1])
if not (isValid(v, redis.call('GET', KEYS[3]), ARGV[2]) and isFresh(v)) then return { 0, '0' } end
local fresh = tonumber(ARGV[3])
local window = tonumber(string.sub(v, 41, 56)) - tonumber(string.sub(v, 57, 72))
local stop = math.min(9000000000000000, fresh + window)
local rev = digits(number(KEYS[2], tonumber(ARGV[1])))
local value = string.sub(v, 1, 8) .. rev .. string.sub(v, 25, 40) .. digits(stop) .. digits(fresh) .. string.sub(v, 73)
if ARGV[5] == '1' then
  redis.call('SET', KEYS[1], value)
elseif stop <= now() then
  redis.call('UNLINK', KEYS[1])
else
  redis.call('SET', KEYS[1], value, 'PXAT', stop == 9000000000000000 and ARGV[4] or string.format('%.0f', stop))
end
return { 1, rev }
`,
);

/**
 * Makes a fresh entry stale, or deletes it when it has no window. With `keeps` it stays unchanged. Fills that began before are
 * overdue.
 *
 * KEYS: entry, counter, generation, claim
 * ARGV: floor, space, '1' to keep it
 * Returns: whether it was fresh, the number of the change
 */
export const EXPIRE = defineScript(
  'expire',
  `${NUMBER}${NOW}${ENTRY}${STALE}
local v = redis.call('GET', KEYS[1])
local n = digits(number(KEYS[2], tonumber(ARGV[1])))
if not isValid(v, redis.call('GET', KEYS[3]), ARGV[2]) then
  redis.call('UNLINK', KEYS[1], KEYS[4])
  return { 0, n }
end
local fresh = isFresh(v)
local field = string.sub(v, 57, 72)
if ARGV[3] ~= '1' then
  if field == string.sub(v, 41, 56) then
    redis.call('UNLINK', KEYS[1], KEYS[4])
    return { fresh and 1 or 0, n }
  end
  field = staleDigits(field)
end
redis.call('SETRANGE', KEYS[1], 8, n)
redis.call('SETRANGE', KEYS[1], 56, field)
return { fresh and 1 or 0, n }
`,
  { allowsOom: true },
);

/**
 * Adds to a fresh integer, or starts a counter.
 *
 * KEYS: entry, counter, generation, kept index
 * ARGV: floor, space, by, initial, the end of a new counter, its PXAT or '' for none
 * Returns: the value, its end, its fresh-until, its revision; or 'integer' or 'range' for a value that cannot be added to
 */
export const INCREMENT = defineScript(
  'increment',
  `${NUMBER}${NOW}${ENTRY}
local floor = tonumber(ARGV[1])
local g = redis.call('GET', KEYS[3])
if not g then
  g = digits(number(KEYS[2], floor))
  redis.call('SET', KEYS[3], g)
end
local v = redis.call('GET', KEYS[1])
local live = isValid(v, g, ARGV[2]) and isFresh(v)
local before = ARGV[4]
if live then
  if string.sub(v, 2, 2) ~= 'n' then return { 'integer' } end
  before = string.sub(v, tonumber(string.sub(v, 4, 8)) + 1)
end
before = tonumber(before)
if before ~= math.floor(before) or math.abs(before) > 9007199254740991 then return { 'integer' } end
local value = before + tonumber(ARGV[3])
if math.abs(value) > 9007199254740991 then return { 'range' } end
local text = string.format('%.0f', value)
local rev = digits(number(KEYS[2], floor))
if live then
  redis.call('SET', KEYS[1], string.sub(v, 1, 8) .. rev .. string.sub(v, 25, tonumber(string.sub(v, 4, 8))) .. text, 'KEEPTTL')
  return { text, string.sub(v, 41, 56), string.sub(v, 57, 72), rev }
end
local entry = '1n000072' .. rev .. g .. ARGV[5] .. ARGV[5] .. text
if ARGV[6] == '' then
  redis.call('SET', KEYS[1], entry)
  redis.call('ZADD', KEYS[4], ARGV[5], KEYS[1])
elseif tonumber(ARGV[6]) <= now() then
  redis.call('UNLINK', KEYS[1])
else
  redis.call('SET', KEYS[1], entry, 'PXAT', ARGV[6])
end
return { text, ARGV[5], ARGV[5], rev }
`,
);
