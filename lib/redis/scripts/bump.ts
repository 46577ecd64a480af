import { defineScript } from '../script.js';
import { NUMBER } from './fragments.js';

/**
 * Sets a version to the next number: the generation of a space, or the version of a tag. Entries that carry another version
 * count as missing from then on.
 *
 * KEYS: the version, counter
 * ARGV: floor
 * Returns: the new number and the previous version
 */
export const BUMP = defineScript(
  'bump',
  `${NUMBER}
local before = redis.call('GET', KEYS[1])
local n = digits(number(KEYS[2], tonumber(ARGV[1])))
redis.call('SET', KEYS[1], n)
return { n, before }
`,
  { allowsOom: true },
);

/**
 * Sets a version that is missing.
 *
 * KEYS: the version, counter
 * ARGV: floor
 * Returns: the version
 */
export const BEGIN = defineScript(
  'begin',
  `${NUMBER}
local known = redis.call('GET', KEYS[1])
if known then return known end
local n = digits(number(KEYS[2], tonumber(ARGV[1])))
redis.call('SET', KEYS[1], n)
return n
`,
  { allowsOom: true },
);

/** How many bulk changes are remembered one by one. Beyond that, each one counts as a change of everything. */
const MAX_FENCES = 1000;

/**
 * Remembers a change of many entries, so that fills that began before it are refused.
 *
 * KEYS: fence, counter
 * ARGV: floor, 'p' and the prefix or 't' and the tag
 * Returns: the number, and nothing
 */
export const FENCE = defineScript(
  'fence',
  `${NUMBER}
local n = digits(number(KEYS[2], tonumber(ARGV[1])))
redis.call('ZADD', KEYS[1], n, ARGV[2])
if redis.call('ZCARD', KEYS[1]) > ${MAX_FENCES} then
  redis.call('UNLINK', KEYS[1])
  redis.call('ZADD', KEYS[1], n, 'p')
end
return { n, '' }
`,
  { allowsOom: true },
);
