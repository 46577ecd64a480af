import { defineScript } from '../script.js';

/**
 * One lease: [the server's time in microseconds, the lease or null]. KEYS: lease.
 *
 * @internal
 */
export const ONE_LEASE = defineScript(
  'read-lease',
  `
local time = redis.call('TIME')
return { time[1] * 1000000 + time[2], redis.call('GETEX', KEYS[1]) }`,
);

/**
 * A page of the known leases: [the server's time in microseconds, kind and name, lease or null, ..].
 * KEYS: index. ARGV: first and last place in the index.
 *
 * @internal
 */
export const LIST_LEASES = defineScript(
  'list-leases',
  `
local time = redis.call('TIME')
local page = { time[1] * 1000000 + time[2] }
local prefix = string.sub(KEYS[1], 1, -2) .. 'h:'
for _, field in ipairs(redis.call('ZRANGE', KEYS[1], ARGV[1], ARGV[2])) do
  page[#page + 1] = field
  page[#page + 1] = redis.call('GETEX', prefix .. field)
end
return page`,
);
