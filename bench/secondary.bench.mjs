import { randomBytes } from 'node:crypto';
import { loop } from './loop.mjs';
import { NAMES } from './peers.mjs';
import { openRedis } from './redis.mjs';
import { startNode } from './remote.mjs';
import { keysOf, shuffled, small, valuesOf } from './workload.mjs';

export const name = 'secondary';
export const title =
  'a secondary on Fastify, its primary and Redis, each in a process of its own, over loopback';

const PRIMARY = 'HyperCache, primary';
const SYNC = 'HyperCache, secondary';
const ASYNC = 'HyperCache, secondary, asyncRequests, flush included';
const IN_FLIGHT = 64;
const TTL_MS = 30_000;
const OWNER_BYTES = 16;

/** @param {import('./harness.mjs').Bench} bench */
export async function run(bench) {
  const { workshop } = bench;
  const primary = await startNode(workshop, {});
  const follow = (asyncRequests) =>
    startNode(workshop, { role: 'secondary', primaryUrl: primary.url, asyncRequests });
  const secondary = await follow(false);
  const asynchronous = await follow(true);
  const entries = bench.scale(10_000);
  await primary.ask('fill', entries);
  const { revision } = await primary.ask('stats');
  for (const node of [secondary, asynchronous]) await node.ask('reached', revision);
  const server = await openRedis(workshop);
  const redis = server?.redis;
  const keys = shuffled(keysOf(entries));
  for (const [i, key] of keys.entries()) await redis?.set(key, JSON.stringify(small.make(i)));

  /** The node's own process runs and counts; here only the time passes. */
  const at = (node, label, operation, inFlight) => ({
    name: label,
    elsewhere: true,
    run: (operations) => node.ask('rounds', operation, inFlight, operations, entries),
  });
  const onRedis = (call, inFlight, rest = {}) =>
    redis && {
      name: NAMES.ioredis,
      run: loop({ call, keys, inFlight, ...rest, scope: { redis, ...rest.scope } }),
    };
  const nodes = (operation, inFlight) => [
    at(primary, PRIMARY, operation, inFlight),
    at(secondary, SYNC, operation, inFlight),
  ];

  await bench.compare({
    title: 'get, 150 B',
    id: 'get',
    unit: 'get',
    contenders: [...nodes('get', 1), onRedis('JSON.parse(await redis.get(key))', 1)],
    targets: [
      { of: SYNC, to: PRIMARY },
      { of: SYNC, to: NAMES.ioredis },
    ],
  });
  const writes = { values: valuesOf(small), stamp: small.stamp };
  for (const inFlight of [1, IN_FLIGHT]) {
    const how = inFlight === 1 ? 'one at a time' : `${inFlight} in flight`;
    const id = inFlight === 1 ? 'one' : 'many';
    await bench.compare({
      title: `set, 150 B, ${how}`,
      id: `set-${id}`,
      unit: 'set',
      contenders: [
        ...nodes('set', inFlight),
        at(asynchronous, ASYNC, 'set', inFlight),
        onRedis('await redis.set(key, JSON.stringify(value))', inFlight, writes),
      ],
      targets: [
        { of: SYNC, to: NAMES.ioredis },
        { of: ASYNC, to: NAMES.ioredis },
      ],
    });
    await bench.compare({
      title: `increment, ${how}`,
      id: `increment-${id}`,
      unit: 'increment',
      contenders: [
        ...nodes('increment', inFlight),
        onRedis('await redis.incr("n:" + key)', inFlight),
      ],
      targets: [{ of: SYNC, to: NAMES.ioredis }],
    });
    await bench.compare({
      title: `a lock acquired and released, ${how}`,
      id: `lock-${id}`,
      unit: 'pair',
      contenders: [
        ...nodes('lockPair', inFlight),
        onRedis('await pair(redis, key)', inFlight, { scope: { pair: redisPair } }),
      ],
      targets: [{ of: SYNC, to: NAMES.ioredis, id: inFlight === 1 ? undefined : 'remote-locks' }],
    });
  }
}

async function redisPair(redis, key) {
  const owner = randomBytes(OWNER_BYTES).toString('hex');
  if ((await redis.set(`lock:${key}`, owner, 'PX', TTL_MS, 'NX')) !== 'OK') {
    throw new Error(`${key} is held.`);
  }
  if ((await redis.releaseLock(`lock:${key}`, owner)) !== 1) throw new Error(`${key} was lost.`);
}
