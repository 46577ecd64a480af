import { defineScript } from '../script.js';
import { ENTRY, NOW, NUMBER } from './fragments.js';

/**
 * Deletes a key, and with it the right to fill the key.
 *
 * KEYS: entry, counter, generation, claim
 * ARGV: floor, space, '1' to return the previous content
 * Returns: whether it was fresh, the number of the deletion, the previous content
 */
export const REMOVE = defineScript(
  'remove',
  `${NUMBER}${NOW}${ENTRY}
local v = redis.call('GET', KEYS[1])
local fresh = isValid(v, redis.call('GET', KEYS[3]), ARGV[2]) and isFresh(v)
redis.call('UNLINK', KEYS[1], KEYS[4])
local n = digits(number(KEYS[2], tonumber(ARGV[1])))
if fresh and ARGV[3] == '1' then return { 1, n, v } end
return { fresh and 1 or 0, n }
`,
  { allowsOom: true },
);
