import { defineScript } from '../script.js';
import { ENTRY, MARK, NOW, NUMBER, OVERDUE } from './fragments.js';
import { isFenced } from './lease-state.js';

/**
 * Whether a lock has a later token. KEYS: the lock, the tokens of forgotten locks. ARGV: the token. Returns: 1 or 0
 */
export const CHECK_FENCE = defineScript(
  'check-fence',
  `return ${isFenced('KEYS[1]', 'KEYS[2]', 'ARGV[1]')} and 1 or 0`,
  { allowsOom: true },
);

/** How long a bucket remembers the token of a write after later ones were granted, in microseconds. */
const TOKEN_AGE = 3_600_000_000;

/**
 * Stores an entry: always, if there is none (`add`), if it has a given revision (`setIf`), or if nothing has happened to its
 * key since it was observed (`fill`). With `again` it replaces what this node wrote itself, valid or not. `fenced` is `set` in a
 * cluster, under a lock that is in another slot: it is refused when a later token of the lock has written to the bucket.
 *
 * KEYS: entry, counter, generation, claim, fence, tag index, kept index; with a fence also the lock and the tokens of forgotten
 * locks, or for `fenced` the tokens of the bucket. A cluster adds one more.
 * ARGV: floor, space, mode, expected revision or counter or token of the fence, owner or for `fenced` the lock, codec, end, fresh-until, PXAT or '' for
 * none, value, then the tags
 * Returns: stored (1, 0 or `fenced`), the current revision
 */
export const STORE = defineScript(
  'store',
  `${NUMBER}${NOW}${ENTRY}${MARK}${OVERDUE}
local floor, space, mode = tonumber(ARGV[1]), ARGV[2], ARGV[3]
if mode == 'fenced' then
  redis.call('ZREMRANGEBYSCORE', KEYS[8], '-inf', string.format('%.0f', ARGV[4] - ${TOKEN_AGE}))
  local last = redis.call('ZSCORE', KEYS[8], ARGV[5])
  if last and tonumber(last) > tonumber(ARGV[4]) then return { 'fenced', '0' } end
  redis.call('ZADD', KEYS[8], ARGV[4], ARGV[5])
  mode = 'set'
elseif KEYS[9] and ${isFenced('KEYS[8]', 'KEYS[9]', 'ARGV[4]')} then return { 'fenced', '0' } end
local g = redis.call('GET', KEYS[3])
if not g then
  g = digits(number(KEYS[2], floor))
  redis.call('SET', KEYS[3], g)
end
if mode == 'again' then
  local old = redis.call('GETRANGE', KEYS[1], 0, 23)
  if string.sub(old, 9, 24) ~= ARGV[4] then return { 0, ARGV[4] } end
elseif mode ~= 'set' then
  local old = redis.call('GET', KEYS[1])
  local valid = isValid(old, g, space)
  local live = valid and isFresh(old)
  local revision = valid and string.sub(old, 9, 24) or '0'
  if mode == 'add' and live then return { 0, revision } end
  if mode == 'setIf' then
    if not live then revision = '0' end
    if tonumber(revision) ~= tonumber(ARGV[4]) then return { 0, revision } end
  end
  if mode == 'fill' then
    -- While it is claimed, an entry that has ended still exists.
    local isSame = isValid(old, g, space, true) and string.sub(old, 9, 24) == ARGV[5]
    local isOurs = isMark(old, ARGV[5]) or isSame
    local key = string.sub(KEYS[1], #space + 3)
    if not isOurs or isOverdue(ARGV[4], g, KEYS[5], key, space, 11) then return { 0, revision } end
    redis.call('UNLINK', KEYS[4])
  end
end
local rev = digits(number(KEYS[2], floor))
if ARGV[9] ~= '' and tonumber(ARGV[9]) <= now() then
  redis.call('UNLINK', KEYS[1])
  return { 1, rev }
end
local tags = {}
for i = 11, #ARGV do
  local tag = ARGV[i]
  local version = redis.call('GET', space .. 't:' .. tag)
  if not version then
    version = digits(number(KEYS[2], floor))
    redis.call('SET', space .. 't:' .. tag, version)
  end
  tags[#tags + 1] = string.format('%04d', #tag) .. tag .. version
  redis.call('ZADD', space .. 's:' .. tag, ARGV[7], KEYS[1])
  redis.call('ZADD', KEYS[6], 'GT', ARGV[7], tag)
end
local head = table.concat(tags)
local value = '1' .. ARGV[6] .. (head == '' and '0' or '1') .. string.format('%05d', 72 + #head)
  .. rev .. g .. ARGV[7] .. ARGV[8] .. head .. ARGV[10]
if ARGV[9] == '' then
  redis.call('SET', KEYS[1], value)
  redis.call('ZADD', KEYS[7], ARGV[7], KEYS[1])
else
  redis.call('SET', KEYS[1], value, 'PXAT', ARGV[9])
end
return { 1, rev }
`,
);
