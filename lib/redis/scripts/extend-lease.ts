import { defineScript } from '../script.js';
import { LEASE_STATE, READ_LEASE, SERVE_WAITERS } from './lease-state.js';

/**
 * Gives the live owner a new ttl from now, and confirms that the owner knows of its lease.
 *
 * KEYS: lease, queue, waiters, beats. ARGV: owner, ttl in microseconds, node, the caller's floor.
 * Result: [token or 0, until the next end, what the node's waiters received].
 *
 * @internal
 */
export const EXTEND_LEASE = defineScript(
  'extend-lease',
  `${READ_LEASE}
if not row then return { 0, -1, {} } end
local ttl, node, floor = tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
${LEASE_STATE}
${SERVE_WAITERS}
local _, mine = find(ARGV[1])
if mine then mine.ttl, mine.ends, mine.state = ttl, now + ttl, 'f' end
serve()
save()
return answer(mine and mine.token or 0)`,
  { allowsOom: true },
);
