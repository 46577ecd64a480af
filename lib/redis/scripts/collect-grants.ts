import { defineScript } from '../script.js';
import { ALIVE_MS } from './lease-state.js';

/**
 * The heartbeat of a node that waits. The leases that other nodes granted to its waiters now run for their full time. The
 * mailbox is empty and tracked again.
 *
 * KEYS: beats, the node's mailbox. ARGV: node, then the awaited leases, each as kind and name.
 * Result: [1 when the node was considered dead, [lease, owner, token or 0 when it has ended, ..], [until the next end of each
 * lease, or -1 when the queue is unknown]].
 *
 * @internal
 */
export const COLLECT_GRANTS = defineScript(
  'collect-grants',
  `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local prefix = string.sub(KEYS[1], 1, -2) .. 'h:'
local mail = redis.call('GETDEL', KEYS[2]) or ''
local beat = redis.call('HGET', KEYS[1], ARGV[1])
local lapsed = (not beat or tonumber(beat) <= now - ${ALIVE_MS}000) and 1 or 0
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', now))
-- Tracks the mailbox, now that it is empty. Before 7.2, each read in a script tracks all its KEYS; later versions track the key
-- that is read.
redis.call('GET', KEYS[2])
local given, at = {}, 1
while at <= #mail do
  local token = string.sub(mail, at, at + 15)
  local fieldSize, ownerSize = tonumber(string.sub(mail, at + 16, at + 19)), tonumber(string.sub(mail, at + 20, at + 23))
  local field = string.sub(mail, at + 24, at + 23 + fieldSize)
  at = at + 24 + fieldSize + ownerSize
  local owner = string.sub(mail, at - ownerSize, at - 1)
  local row = redis.call('GETEX', prefix .. field)
  local confirmed = 0
  local from = 34
  while row and from <= #row do
    local size = tonumber(string.sub(row, from + 53, from + 56))
    if string.sub(row, from, from + 15) == token and string.sub(row, from + 52, from + 52) == 'p' and
      tonumber(string.sub(row, from + 16, from + 31)) > now then
      local ttl = tonumber(string.sub(row, from + 32, from + 47))
      redis.call('SET', prefix .. field, string.sub(row, 1, from + 15) .. string.format('%016.0f', now + ttl) ..
        string.sub(row, from + 32, from + 51) .. 'f' .. string.sub(row, from + 53))
      confirmed = tonumber(token)
      break
    end
    from = from + 57 + size
  end
  given[#given + 1] = field
  given[#given + 1] = owner
  given[#given + 1] = confirmed
end
local lefts = {}
for place = 2, #ARGV do
  local row = redis.call('GETEX', prefix .. ARGV[place])
  local left = -1
  if row and string.sub(row, 33, 33) == '1' then
    left = 0
    local from = 34
    while from <= #row do
      local ends = tonumber(string.sub(row, from + 16, from + 31))
      if ends > now and (left == 0 or ends - now < left) then left = ends - now end
      from = from + 57 + tonumber(string.sub(row, from + 53, from + 56))
    end
  end
  lefts[#lefts + 1] = left
end
return { lapsed, given, lefts }`,
  { allowsOom: true },
);
