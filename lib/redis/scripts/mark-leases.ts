import { defineScript } from '../script.js';

/**
 * Sets a mark, if there is none. KEYS: mark. ARGV: a new one. Result: the mark that is set.
 *
 * @internal
 */
export const MARK_LEASES = defineScript(
  'mark-leases',
  `
local found = redis.call('GETEX', KEYS[1])
if found then return found end
redis.call('SET', KEYS[1], ARGV[1])
return ARGV[1]`,
  { allowsOom: true },
);
