/**
 * Parts of the lease scripts: text that they share, not complete scripts.
 *
 * A lease is one string: the last token (16 digits), when its last holder ended (16), whether others wait (1); then each
 * holder: token (16), end (16), ttl (16), slot (4), state (1), length of the owner (4), owner. A holder in state `p` has yet to
 * confirm that it knows of its lease. All times are microseconds of the server's clock. Scripts read a lease by GETEX, which
 * counts as a write on the server. So the lease is not tracked, and its changes are not pushed to all nodes that ever asked for
 * it.
 */

/**
 * Milliseconds without a sign of life after which a node's waiters are passed over and its newly granted leases end.
 *
 * @internal
 */
export const ALIVE_MS = 3000;

/** Bytes before the first holder. @internal */
export const HEAD = 33;

/** Bytes of a holder before its owner. @internal */
export const HOLDER_HEAD = 57;

/** `now` and `row`. KEYS[1] is the lease. */
export const READ_LEASE = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local row = redis.call('GETEX', KEYS[1])`;

/** The reply to a command that arrived too late: see {@link unlessLate}. @internal */
export const TOO_LATE = -2;

/**
 * A command that arrives after its node has given it up has no effect, because the node may meanwhile have asked for something
 * else on another connection. A node that still waits for the reply asks again without a bound, because its clock is wrong.
 *
 * @param notAfter an expression in Lua: microseconds of the server's clock, 0 for no bound
 */
export function unlessLate(notAfter: string): string {
  return `
local notAfter = tonumber(${notAfter})
if notAfter > 0 and now > notAfter then return ${TOO_LATE} end`;
}

/** `held`, `last`, `ended`, `waits` from `row`; `find`, `save`, `left`. */
export const LEASE_STATE = `
local held, last, ended, waits = {}, 0, 0, '0'
if row then
  last = tonumber(string.sub(row, 1, 16))
  ended = tonumber(string.sub(row, 17, 32))
  waits = string.sub(row, 33, 33)
  local at = 34
  while at <= #row do
    local size = tonumber(string.sub(row, at + 53, at + 56))
    local ends = tonumber(string.sub(row, at + 16, at + 31))
    if ends > now then
      held[#held + 1] = {
        token = tonumber(string.sub(row, at, at + 15)),
        ends = ends,
        ttl = tonumber(string.sub(row, at + 32, at + 47)),
        slot = tonumber(string.sub(row, at + 48, at + 51)),
        state = string.sub(row, at + 52, at + 52),
        owner = string.sub(row, at + 57, at + 56 + size),
      }
    elseif ends > ended then
      ended = ends
    end
    at = at + 57 + size
  end
end
local function find(owner)
  for place, holder in ipairs(held) do
    if holder.owner == owner then return place, holder end
  end
end
local function save()
  local parts = { string.format('%016.0f%016.0f%s', last, ended, waits) }
  for _, holder in ipairs(held) do
    parts[#parts + 1] = string.format('%016.0f%016.0f%016.0f%04d%s%04d', holder.token, holder.ends,
      holder.ttl, holder.slot, holder.state, #holder.owner)
    parts[#parts + 1] = holder.owner
  end
  redis.call('SET', KEYS[1], table.concat(parts))
end
local isCut = false
local function left()
  if isCut then return 0 end
  if waits == '0' then return -1 end
  local first
  for _, holder in ipairs(held) do
    if not first or holder.ends < first then first = holder.ends end
  end
  return first and first - now or 0
end`;

/**
 * `take` takes a free slot. `serve` grants free slots to the waiters in their order, and records the grants of its own node in
 * `given`. KEYS: lease, queue, waiters, beats. Needs `node`, `floor`.
 */
export const SERVE_WAITERS = `
local given = {}
local function take(owner, slots, ttl, ends, state)
  local used, slot = {}, 0
  for _, holder in ipairs(held) do used[holder.slot] = true end
  while used[slot] do slot = slot + 1 end
  if slot >= slots then return nil end
  last = math.max(last + 1, floor + 1, now)
  held[#held + 1] = { token = last, ends = ends, ttl = ttl, slot = slot, state = state, owner = owner }
  return last
end
local function serve()
  if waits == '0' then return end
  local prefix, beats = string.sub(KEYS[4], 1, -2), {}
  for _ = 1, 100 do
    local owner = redis.call('ZRANGE', KEYS[2], 0, 0)[1]
    if not owner then
      waits = '0'
      return
    end
    local waiter = redis.call('HGET', KEYS[3], owner)
    local from = waiter and string.sub(waiter, 37)
    local isLive = waiter and tonumber(string.sub(waiter, 1, 16)) > now
    if isLive and from ~= node then
      beats[from] = beats[from] or tonumber(redis.call('HGET', KEYS[4], from) or '0')
      isLive = beats[from] > now - ${ALIVE_MS}000
    end
    if isLive then
      local ttl, slots = tonumber(string.sub(waiter, 17, 32)), tonumber(string.sub(waiter, 33, 36))
      local isOwn = from == node
      local ends = now + (isOwn and ttl or math.min(ttl, ${ALIVE_MS}000))
      local token = take(owner, slots, ttl, ends, isOwn and 'f' or 'p')
      if not token then return end
      if isOwn then
        given[#given + 1] = owner
        given[#given + 1] = token
      else
        local field = string.sub(KEYS[1], #KEYS[4] + 2)
        local mailbox = prefix .. 'm:' .. from
        redis.call('APPEND', mailbox,
          string.format('%016.0f%04d%04d', token, #field, #owner) .. field .. owner)
        redis.call('PEXPIRE', mailbox, 3600000)
      end
    end
    redis.call('ZREM', KEYS[2], owner)
    redis.call('HDEL', KEYS[3], owner)
  end
  isCut = true
end
local function answer(done)
  return { done, left(), given }
end`;

/**
 * For a write under a lock: whether a later token was granted, even if its holder has released it since. For a forgotten lock,
 * only an upper bound of its tokens is known.
 *
 * @param lock an expression in Lua: the key of the lock, `RedisKeys.lease('h', { kind: LeaseKind.Lock, name })`
 * @param forgotten an expression for `RedisKeys.lock('r')`
 * @param token an expression for the writer's token
 * @returns an expression that is true when the write must be refused
 */
export function isFenced(lock: string, forgotten: string, token: string): string {
  return `(tonumber(string.sub(redis.call('GETEX', ${lock}) or redis.call('GETEX', ${forgotten}) or '0', 1, 16)) > tonumber(${token}))`;
}
