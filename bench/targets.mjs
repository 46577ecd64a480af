/**
 * A figure that was promised.
 *
 * @typedef {object} PromisedTarget
 * @property {string} id by which a benchmark names what it has measured
 * @property {string} row what is promised, for people
 * @property {string} bench which benchmark measures it
 * @property {number} [atLeast] a ratio of speeds
 * @property {number} [atMost] a ratio of times or sizes
 * @property {string} [unit] of a bound that is no ratio
 */

const MEMORY = 'cache-manager in memory';
const NEST = `CacheInterceptor over ${MEMORY}`;
const REDIS = 'cache-manager + @keyv/redis on loopback';

/** All of them, in the order in which they are printed: what a user asks about first. @type {readonly PromisedTarget[]} */
export const TARGETS = [
  least('default-hit', 'l1-hit', 1.4, `a hit, 11,000 keys of 150 B, to ${MEMORY}`),
  least('default-hit-many', 'l1-hit', 1.7, 'the same, 64 in flight'),
  least(
    'default-large-bento',
    'l1-hit',
    5,
    'a hit of 10 kB, 1,000 keys beside 10,000 small ones, to bentocache in memory',
  ),
  least('default-large-file', 'l1-hit', 2, 'the same, to HyperCache without L1'),
  least('set-raw', 'set', 1.1, 'set, one at a time, to a raw autocommit upsert, 10,000 keys'),
  least('set-raw-beside', 'set', 0.75, 'the same beside 1,000 keys of 10 kB'),
  least('set-raw-large', 'set', 0.85, 'the same, 10 kB'),
  least('increment-raw', 'counter', 0.65, 'increment, one at a time, to a raw upsert of a counter'),
  least('set-redis', 'set', 1, 'set, 64 in flight, to ioredis on loopback'),
  least('set-keyv-redis', 'set', 1, `the same, to ${REDIS}`),
  least('set-sqlite', 'set', 5, 'the same, to cache-manager + @keyv/sqlite (WAL)'),
  least('set-relaxed', 'set', 0.5, `set, \`'relaxed'\`, 10,000 keys, to ${MEMORY}`),
  {
    ...most('set-open-loop', 'open-loop', 3, 'set, 10,000 a second, p99'),
    unit: ' ms',
  },
  least('zipf-redis', 'zipf', 10, `Zipf 90/10 over 100,000 keys to ${REDIS}, one at a time`),
  least('zipf-redis-many', 'zipf', 4, 'the same, 64 in flight'),
  least('remote-locks', 'secondary', 1, 'lock pairs, 64 in flight, on a secondary, to Redis'),
  least('trace-memory', 'trace', 0.97, `web12 over HTTP, end to end, to ${MEMORY}`),
  least('trace-redis', 'trace', 1.3, `the same, to ${REDIS}`),
  least('l1-share', 'l1-hit', 4, `L1 hit through CACHE_MANAGER, share, to ${MEMORY}`),
  least('l1-freeze', 'l1-hit', 4, 'the same, freeze'),
  least('l1-copy', 'l1-hit', 1.7, 'the same, copy, 150 B'),
  least('l1-lru', 'l1-hit', 0.7, 'the same, share, to `await lru.get`'),
  least('wrap-share', 'batch', 5, `wrap hit, share, to ${MEMORY}`),
  least('mget-copy', 'batch', 4, `mget of 100, copy, to ${MEMORY}`),
  least('mget-share', 'batch', 4, 'the same, share'),
  least('l1-bento', 'l1-hit', 13, 'L1 hit, copy, to bentocache in memory'),
  least('l1-cacheable', 'l1-hit', 13, 'L1 hit, copy, to cacheable'),
  least('l2-raw', 'l2-hit', 1, 'L2 hit to raw better-sqlite3 and `JSON.parse`, 150 B'),
  least('l2-raw-large', 'l2-hit', 1.5, 'the same, 10 kB'),
  least('l2-redis', 'l2-hit', 8, `L2 hit to ${REDIS}, one at a time`),
  least('l2-redis-many', 'l2-hit', 2.5, 'the same, 64 in flight'),
  least('l2-sqlite', 'l2-hit', 25, 'L2 hit to cache-manager + @keyv/sqlite (WAL)'),
  least('set-full', 'set', 1.5, "set, `'full'`, 64 in flight, to Redis, appendfsync always"),
  least('zipf-relaxed', 'zipf', 1, `Zipf 90/10, \`'relaxed'\`, to ${MEMORY}`),
  least('redis-hit', 'redis', 0.95, 'over Redis: L1 hit to that of the SQLite engine'),
  least('redis-below', 'redis', 1, `over Redis: read below L1 to ${REDIS}, one at a time`),
  least('redis-below-many', 'redis', 1, 'the same, 64 in flight'),
  least('redis-set', 'redis', 1, `over Redis: set without tags to ${REDIS}, one at a time`),
  least('redis-set-many', 'redis', 1, 'the same, 64 in flight'),
  least('redis-set-raw', 'redis', 0.6, 'the same to a raw SET of JSON, one at a time'),
  least('redis-set-raw-many', 'redis', 0.6, 'the same, 64 in flight'),
  least('redis-tagged', 'redis', 0.6, `over Redis: set with a tag to ${REDIS}, 64 in flight`),
  least(
    'redis-lock',
    'redis',
    0.6,
    'over Redis: lock pairs to SET NX PX and a script, one at a time',
  ),
  least(
    'redis-zipf',
    'redis',
    5,
    `over Redis: Zipf 90/10 over 100,000 keys to ${REDIS}, one at a time`,
  ),
  least('redis-zipf-many', 'redis', 2, 'the same, 64 in flight'),
  most('redis-memory', 'redis', 1.35, `over Redis: the server's memory for an entry to ${REDIS}`),
  least('shared-idle-copy', 'workers', 0.9, 'L1 hit beside an idle process, copy, to one alone'),
  least('shared-idle-share', 'workers', 0.9, 'the same, share'),
  least(
    'shared-writing-copy',
    'workers',
    0.9,
    'L1 hit beside 500 sets a second, copy, to 500 elsewhere',
  ),
  least('shared-writing-share', 'workers', 0.9, 'the same, share'),
  least('async-set', 'secondary', 0.6, "set, asyncRequests, one at a time, to the primary's"),
  least('async-set-many', 'secondary', 0.6, 'the same, 64 in flight'),
  {
    ...least('drain', 'secondary', 20_000, 'sending what an outbox holds, 150 B'),
    unit: ' sets/s',
  },
  {
    ...least('throttle-primary', 'throttle', 20_000, 'throttled requests decided on a primary'),
    unit: ' decisions/s',
  },
  {
    ...least('throttle-secondary', 'throttle', 10_000, 'the same on a secondary, 64 in flight'),
    unit: ' decisions/s',
  },
  {
    ...most(
      'wrap-stale-p99',
      'wrap',
      1,
      'wrap with `stale` by 1,000 callers at the moment of expiry, p99',
    ),
    unit: ' ms',
  },
  {
    ...most('wrap-down-calls', 'wrap', 8, 'calls of an origin that is down for 60 s, 3 nodes'),
    unit: '',
  },
  {
    ...most('wrap-down-failed', 'wrap', 0, 'requests that fail meanwhile, within grace'),
    unit: '',
  },
  least('http-value-fastify', 'http', 1, `a cached route of 10 kB on Fastify, 'value', to ${NEST}`),
  least('http-body-fastify', 'http', 1.5, "the same, 'body'"),
  least('http-304-fastify', 'http', 2, 'the same, answered 304'),
  least('http-value-express', 'http', 1, `a cached route of 10 kB on Express, 'value', to ${NEST}`),
  least('http-body-express', 'http', 1.2, "the same, 'body'"),
  least('http-304-express', 'http', 2, 'the same, answered 304'),
  most(
    'staleness',
    'workers',
    2,
    'age of a hit, p99, to coherenceInterval, reads each millisecond',
  ),
  most('staleness-long', 'workers', 2, 'the same, reads in turns of 50 ms'),
  most('growth-time', 'growth', 6, 'get, p50, in the largest file to that in one of 1,000'),
  most('growth-raw', 'growth', 1.25, 'the same growth to that of raw better-sqlite3'),
  most('disk', 'space', 0.7, 'bytes on disk of a 150 B entry to a raw JSON row'),
  most('l1-memory', 'space', 1.5, 'memory of an L1 entry beyond its value to lru-cache'),
];

/** @param {string} id @returns {PromisedTarget} */
export function targetOf(id) {
  const found = TARGETS.find((target) => target.id === id);
  if (found === undefined) throw new Error(`There is no target named ${id}.`);
  return found;
}

/** @param {{ atLeast?: number, atMost?: number }} target */
export function boundOf({ atLeast, atMost }, unit = 'x') {
  if (atMost !== undefined) return `<= ${atMost}${unit}`;
  return atLeast === undefined ? '' : `>= ${atLeast}${unit}`;
}

function least(id, bench, atLeast, row) {
  return { id, bench, atLeast, row };
}

function most(id, bench, atMost, row) {
  return { id, bench, atMost, row };
}
