import { defineScript } from '../script.js';
import { ENTRY, MARK, NOW, NUMBER, OVERDUE } from './fragments.js';

/** How long a released marker shows that nothing has happened to its key, in ms. */
const RELEASED_MS = 60_000;

/** `keep(key, ms)`: the server does not remove an entry within this time, even if it ends. */
const KEEP = `
local function keep(key, ms)
  local left = redis.call('PTTL', key)
  if left >= 0 and left < ms then redis.call('PEXPIRE', key, ms) end
end
`;

/**
 * The right to call the factory of a key. For a missing key, the right is a marker in place of the entry, so anything that
 * happens to the key removes it (the lease of Nishtala et al., "Scaling Memcache at Facebook", NSDI 2013). For an existing
 * entry, the right is a separate key, which names the entry's revision.
 *
 * KEYS: entry, counter, generation, claim
 * ARGV: floor, space, marker, owner, lease in ms, '1' to replace an entry that is still fresh
 * Returns: 'held' and for how many ms at most; or 'ours', the last number, and the entry
 */
export const CLAIM = defineScript(
  'claim',
  `${NUMBER}${NOW}${ENTRY}${KEEP}
local floor, space = tonumber(ARGV[1]), ARGV[2]
local g = redis.call('GET', KEYS[3])
if not g then
  g = digits(number(KEYS[2], floor))
  redis.call('SET', KEYS[3], g)
end
local last = redis.call('GET', KEYS[2])
if not last or tonumber(last) < tonumber(g) then last = digits(number(KEYS[2], floor)) end
local v = redis.call('GET', KEYS[1])
local isThere = isValid(v, g, space, true)
if isThere then
  local isLive = isValid(v, g, space)
  if isLive and isFresh(v) and ARGV[6] ~= '1' then return { 'ours', last, v } end
  local held = redis.call('GET', KEYS[4])
  local revision = string.sub(v, 9, 24)
  local holder = held and string.sub(held, 1, 16) == revision and string.sub(held, 17)
  if holder and holder ~= ARGV[4] and (isLive or holder ~= 'pause') then
    return { 'held', redis.call('PTTL', KEYS[4]) }
  end
  if isLive then
    redis.call('SET', KEYS[4], revision .. ARGV[4], 'PX', ARGV[5])
    keep(KEYS[1], tonumber(ARGV[5]))
    return { 'ours', last, v }
  end
end
if v and string.sub(v, 1, 1) == 'C' and v ~= ARGV[3] then return { 'held', redis.call('PTTL', KEYS[1]) } end
redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[5])
return { 'ours', last }
`,
);

/**
 * Renews the right, releases it, or keeps it from all callers for a while.
 *
 * KEYS: entry, claim
 * ARGV: marker, revision and owner, 'renew' | 'release' | 'fail', ms
 * Returns: whether the right was still there
 */
export const KEEP_CLAIM = defineScript(
  'keep-claim',
  `${KEEP}
local isMarker = redis.call('GET', KEYS[1]) == ARGV[1]
local isClaim = redis.call('GET', KEYS[2]) == ARGV[2]
if ARGV[3] == 'release' then
  if isMarker then redis.call('SET', KEYS[1], 'R' .. string.sub(ARGV[1], 2), 'PX', ${RELEASED_MS}) end
  if isClaim then redis.call('UNLINK', KEYS[2]) end
elseif ARGV[3] == 'fail' then
  if isMarker then redis.call('SET', KEYS[1], 'R' .. string.sub(ARGV[1], 2), 'PX', ${RELEASED_MS}) end
  -- The server considers a key expired one ms later than we do.
  if isClaim then redis.call('SET', KEYS[2], string.sub(ARGV[2], 1, 16) .. 'pause', 'PX', math.max(1, ARGV[4] - 1)) end
else
  if isMarker then redis.call('PEXPIRE', KEYS[1], ARGV[4]) end
  if isClaim then
    redis.call('PEXPIRE', KEYS[2], ARGV[4])
    keep(KEYS[1], tonumber(ARGV[4]))
  end
end
return (isMarker or isClaim) and 1 or 0
`,
  { allowsOom: true },
);

/**
 * Whether nothing has happened to a key since the claim.
 *
 * KEYS: entry, generation, fence
 * ARGV: space, marker or revision, the last number at that time, then the tags
 * Returns: 1 or 0
 */
export const IS_CURRENT = defineScript(
  'is-current',
  `${NOW}${ENTRY}${MARK}${OVERDUE}
local g = redis.call('GET', KEYS[2])
if not g then return 0 end
local v = redis.call('GET', KEYS[1])
local isAsSeen = isMark(v, ARGV[2]) or (isValid(v, g, ARGV[1], true) and string.sub(v, 9, 24) == ARGV[2])
local key = string.sub(KEYS[1], #ARGV[1] + 3)
return isAsSeen and not isOverdue(ARGV[3], g, KEYS[3], key, ARGV[1], 4) and 1 or 0
`,
);
