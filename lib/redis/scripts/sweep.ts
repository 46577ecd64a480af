import { defineScript } from '../script.js';
import { NOW } from './fragments.js';

/** A factory that is still running may name a tag whose last entry has ended. The tag's version stays this much longer, in ms. */
const TAG_GRACE_MS = 300_000;

/** Entries and tags that one step checks. */
const STEP = 500;

/**
 * Removes what the server does not remove by itself: entries without a time to live that have ended, and the data of tags
 * without entries.
 *
 * KEYS: kept index, tag index
 * ARGV: space, the place in the tag index where the step begins
 * Returns: how many entries and tags it removed, and the place where the next step begins; 0 after the last one
 */
export const SWEEP = defineScript(
  'sweep',
  `${NOW}
local space = ARGV[1]
local gone = 0
local ended = redis.call('ZRANGE', KEYS[1], '-inf', now(), 'BYSCORE', 'LIMIT', 0, ${STEP})
for _, key in ipairs(ended) do
  local head = redis.call('GETRANGE', key, 0, 55)
  if head ~= '' and string.sub(head, 1, 1) == '1' then
    local stop = tonumber(string.sub(head, 41, 56))
    if stop <= now() then
      redis.call('UNLINK', key)
      redis.call('ZREM', KEYS[1], key)
      gone = gone + 1
    else
      redis.call('ZADD', KEYS[1], stop, key)
    end
  else
    redis.call('ZREM', KEYS[1], key)
  end
end
local at = tonumber(ARGV[2])
local tags = redis.call('ZRANGE', KEYS[2], at, at + ${STEP - 1}, 'WITHSCORES')
local left = 0
for i = 1, #tags, 2 do
  local tag, stop = tags[i], tonumber(tags[i + 1])
  if stop + ${TAG_GRACE_MS} <= now() then
    redis.call('UNLINK', space .. 's:' .. tag, space .. 't:' .. tag)
    redis.call('ZREM', KEYS[2], tag)
    gone = gone + 1
  else
    redis.call('ZREMRANGEBYSCORE', space .. 's:' .. tag, '-inf', now())
    left = left + 1
  end
end
if #tags < ${2 * STEP} then return { gone, 0, #ended } end
return { gone, at + left, #ended }
`,
  { allowsOom: true },
);
