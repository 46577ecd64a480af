import { defineScript } from '../script.js';

/**
 * Records the layout, and takes a number for a connection. This also works on a server whose memory is full.
 *
 * KEYS: layout
 * ARGV: layout, a random history
 * Returns: the layout of the existing entries, the number
 *
 * @internal
 */
export const ENROL = defineScript(
  'enrol',
  `
redis.call('HSETNX', KEYS[1], 'layout', ARGV[1])
redis.call('HSETNX', KEYS[1], 'history', ARGV[2])
return { redis.call('HGET', KEYS[1], 'layout'), redis.call('HINCRBY', KEYS[1], 'slot', 1) }
`,
  { allowsOom: true },
);
