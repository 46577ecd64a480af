import { defineScript } from '../script.js';
import { LEASE_STATE, READ_LEASE, SERVE_WAITERS } from './lease-state.js';

/**
 * Grants leases that have ended to the waiters.
 *
 * KEYS: lease, queue, waiters, beats. ARGV: node, the caller's floor.
 * Result: [0, until the next end, what the node's waiters received].
 *
 * @internal
 */
export const PROMOTE_WAITERS = defineScript(
  'promote-waiters',
  `${READ_LEASE}
if not row then return { 0, -1, {} } end
local node, floor = ARGV[1], tonumber(ARGV[2])
${LEASE_STATE}
${SERVE_WAITERS}
local before = last
serve()
if last ~= before or waits == '0' or isCut then save() end
return answer(0)`,
  { allowsOom: true },
);
