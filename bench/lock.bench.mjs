import { strict as assert } from 'node:assert';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { loop } from './loop.mjs';
import { openRedis } from './redis.mjs';
import { shuffled } from './workload.mjs';

export const name = 'lock';
export const title = 'a lock acquired and released, against SET NX PX and a Lua release on Redis';

const OURS = 'HyperCache';
const REDIS = 'Redis, ioredis';
const POLLING = 'Redis, ioredis, a try each 5 ms';

const TTL_MS = 30_000;
const OWNER_BYTES = 16;

const LOOPS = 64;
const CONTENDED_NAMES = 8;
const WAIT_MS = 60_000;
const RETRY_MS = 5;

/** @param {import('./harness.mjs').Bench} bench */
export async function run(bench) {
  const server = await openRedis(bench.workshop);
  if (server !== undefined) console.log(`  Redis ${server.version}, on the loopback\n`);
  await compare(bench, server?.redis);
}

async function compare(bench, redis) {
  const { node } = await bench.workshop.node();
  await expectExclusive(node.locks, redis);
  const names = shuffled(namesOf(1000));
  const pairs = (inFlight) => [
    { name: OURS, run: pairLoop(ourPair, node.locks, names, inFlight) },
    redis && { name: REDIS, run: pairLoop(redisPair, redis, names, inFlight) },
  ];
  const atLeast = 1;
  await bench.compare({
    title: 'one after the other',
    unit: 'pair',
    contenders: pairs(1),
    targets: [{ of: OURS, to: REDIS, atLeast }],
  });
  await bench.compare({
    title: `${LOOPS} at once, each on a name of its own`,
    unit: 'pair',
    contenders: pairs(LOOPS),
    targets: [{ of: OURS, to: REDIS, atLeast }],
  });
  const few = namesOf(CONTENDED_NAMES);
  await bench.compare({
    title: `${LOOPS} at once on ${CONTENDED_NAMES} names: waiting in the queue, or trying again`,
    unit: 'pair',
    contenders: [
      { name: OURS, run: pairLoop(ourWaitingPair, node.locks, few, LOOPS) },
      redis && { name: POLLING, run: pairLoop(redisPollingPair, redis, few, LOOPS) },
    ],
    targets: [{ of: OURS, to: POLLING }],
  });
}

function pairLoop(pair, locks, keys, inFlight) {
  return loop({ call: 'await pair(locks, key)', scope: { pair, locks }, keys, inFlight });
}

async function ourPair(locks, key) {
  const lock = locks.lock(key, { ttl: TTL_MS });
  if (!(await lock.acquire())) throw new Error(`${key} is held.`);
  if (!(await lock.release())) throw new Error(`${key} was lost.`);
}

async function redisPair(redis, key) {
  const owner = randomBytes(OWNER_BYTES).toString('hex');
  if ((await redis.set(key, owner, 'PX', TTL_MS, 'NX')) !== 'OK') {
    throw new Error(`${key} is held.`);
  }
  if ((await redis.releaseLock(key, owner)) !== 1) throw new Error(`${key} was lost.`);
}

async function ourWaitingPair(locks, key) {
  const lock = locks.lock(key, { ttl: TTL_MS, wait: WAIT_MS });
  if (!(await lock.acquire())) throw new Error(`${key} was not free in time.`);
  if (!(await lock.release())) throw new Error(`${key} was lost.`);
}

async function redisPollingPair(redis, key) {
  const owner = randomBytes(OWNER_BYTES).toString('hex');
  while ((await redis.set(key, owner, 'PX', TTL_MS, 'NX')) !== 'OK') await sleep(RETRY_MS);
  if ((await redis.releaseLock(key, owner)) !== 1) throw new Error(`${key} was lost.`);
}

/** What is measured must be a lock: the second owner is refused, and a stranger releases nothing. */
async function expectExclusive(locks, redis) {
  const first = locks.lock('exclusive', { ttl: TTL_MS });
  const second = locks.lock('exclusive', { ttl: TTL_MS });
  assert.equal(await first.acquire(), true);
  assert.equal(await second.acquire(), false);
  assert.equal(await second.release(), false);
  assert.equal(await first.release(), true);
  if (redis === undefined) return;
  assert.equal(await redis.set('exclusive', 'first', 'PX', TTL_MS, 'NX'), 'OK');
  assert.equal(await redis.set('exclusive', 'second', 'PX', TTL_MS, 'NX'), null);
  assert.equal(await redis.releaseLock('exclusive', 'second'), 0);
  assert.equal(await redis.releaseLock('exclusive', 'first'), 1);
}

function namesOf(count) {
  return Array.from({ length: count }, (_, i) => `report:${String(i).padStart(4, '0')}`);
}
