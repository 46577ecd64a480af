import { defineScript } from '../script.js';

/**
 * Records the layout and the number of buckets, and takes a number for a connection. This also works on a server whose memory is full.
 *
 * KEYS: layout
 * ARGV: layout, a random history, the number of buckets of an empty cache
 * Returns: the layout of the existing entries, the number, the number of their buckets
 *
 * @internal
 */
export const ENROL = defineScript(
  'enrol',
  `
local isNew = redis.call('HSETNX', KEYS[1], 'layout', ARGV[1]) == 1
-- Earlier versions recorded no number, and had one bucket.
redis.call('HSETNX', KEYS[1], 'buckets', isNew and ARGV[3] or '1')
redis.call('HSETNX', KEYS[1], 'history', ARGV[2])
return {
  redis.call('HGET', KEYS[1], 'layout'),
  redis.call('HINCRBY', KEYS[1], 'slot', 1),
  redis.call('HGET', KEYS[1], 'buckets'),
}
`,
  { allowsOom: true },
);
