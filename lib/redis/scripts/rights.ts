import { defineScript } from '../script.js';

/**
 * What the user of a connection must be allowed to run, in addition to `hello`, which every user may run, and the commands that
 * {@link RIGHTS} tries.
 *
 * @internal
 */
export const RIGHTS_OF_LINK = [
  'client|tracking',
  'info',
  'role',
  'script|load',
  'evalsha',
  'time',
] as const;

/** What a cluster needs in addition. @internal */
export const RIGHTS_OF_CLUSTER = ['cluster|info', 'cluster|slots', 'asking'] as const;

/** Each command that scripts or the link run, with harmless arguments: `k` is a string, and `h` is missing. */
const TRIED = {
  get: 'k',
  mget: 'k',
  getex: 'k',
  getdel: 'h',
  getrange: 'k, 0, 1',
  set: "k, '', 'PX', 1000",
  setrange: "k, 0, 'x'",
  append: "k, 'x'",
  incrby: 'h, 0',
  pexpire: 'k, 1000',
  pttl: 'k',
  unlink: 'h',
  hget: "h, 'f'",
  hgetall: 'h',
  hmget: "h, 'f'",
  hset: "h, 'f', ''",
  hsetnx: "h, 'f', ''",
  hincrby: "h, 'n', 1",
  hdel: "h, 'f', 'n'",
  zadd: "h, 0, 'm'",
  zcard: 'h',
  zscore: "h, 'm'",
  zrange: 'h, 0, 0',
  zrangebyscore: 'h, 0, 0',
  zremrangebyscore: 'h, 0, 0',
  zrem: "h, 'm'",
  scan: "0, 'COUNT', 1",
} as const;

/** Commands that the user of a connection must be allowed to run, as the server's ACL calls them. @internal */
export const SERVER_RIGHTS: readonly string[] = [...RIGHTS_OF_LINK, ...Object.keys(TRIED)];

/**
 * Lists the commands that the user may not run. It tries each command, because asking for the rights would need one more right.
 *
 * ARGV: two keys of the probe, one of a namespace, the layout. There are no KEYS, or a user without rights to them could not
 * run the script at all.
 * Returns: the commands, and `~` when keys are refused
 *
 * @internal
 */
export const RIGHTS = defineScript(
  'rights',
  `
local k, h = ARGV[1], ARGV[2]
local missing = {}
local function try(name, ...)
  local reply = redis.pcall(name, ...)
  local text = type(reply) == 'table' and reply.err or ''
  -- The second is what Redis 7.2 and Valkey say, after the name of the user.
  if string.find(text, "can't run this command", 1, true) or string.find(text, 'no permissions to run', 1, true) then
    missing[#missing + 1] = name
  -- In a cluster, another server may have the key, which is "attempted to access a non local key".
  elseif string.find(text, 'access', 1, true) and not string.find(text, 'attempted to access', 1, true) then
    missing[#missing + 1] = '~'
  end
end
try('get', ARGV[3])
try('hget', ARGV[4], 'layout')
${Object.entries(TRIED)
  .map(([name, args]) => `try('${name}', ${args})\nredis.pcall('unlink', h)`)
  .join('\n')}
redis.pcall('unlink', k)
return missing
`,
  { allowsOom: true },
);
