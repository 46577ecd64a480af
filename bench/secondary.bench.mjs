import { randomBytes } from 'node:crypto';
import { median } from './harness.mjs';
import { loop } from './loop.mjs';
import { NAMES } from './peers.mjs';
import { openRedis } from './redis.mjs';
import { startNode } from './remote.mjs';
import { keysOf, shuffled, small, valuesOf } from './workload.mjs';

export const name = 'secondary';
export const title =
  'a secondary on Fastify, its primary and Redis, each in a process of its own, over loopback';

const PRIMARY = 'HyperCache, primary';
const ALONE = 'HyperCache, a primary without secondaries';
const SYNC = 'HyperCache, secondary';
const ASYNC = 'HyperCache, secondary, asyncRequests';
const ASYNC_FLUSHED = `${ASYNC}, flush included`;
const IN_FLIGHT = 64;
const TTL_MS = 30_000;
const OWNER_BYTES = 16;

/** Longer than it takes to fill an outbox: a request that times out would be sent again after a pause. */
const TIMEOUT_MS = 60_000;
const FILLERS = 256;
const DRAINS = 5;

/** @param {import('./harness.mjs').Bench} bench */
export async function run(bench) {
  const { workshop } = bench;
  const primary = await startNode(workshop, {});
  const follow = (options) =>
    startNode(workshop, { role: 'secondary', primaryUrl: primary.url, ...options });
  const secondary = await follow({ asyncRequests: false });
  const asynchronous = await follow({ asyncRequests: true, timeout: TIMEOUT_MS });
  const alone = await startNode(workshop, {});
  const entries = bench.scale(10_000);
  for (const node of [primary, alone]) await node.ask('fill', entries);
  const { revision } = await primary.ask('stats');
  for (const node of [secondary, asynchronous]) await node.ask('reached', revision);
  const server = await openRedis(workshop);
  const redis = server?.redis;
  const keys = shuffled(keysOf(entries));
  for (const [i, key] of keys.entries()) await redis?.set(key, JSON.stringify(small.make(i)));

  /** The node's own process runs and counts; this process only waits. */
  const at = (node, label, operation, inFlight) => ({
    name: label,
    elsewhere: true,
    run: (operations) => node.ask('rounds', operation, inFlight, operations, entries),
  });
  /** Timed until they are accepted, and until the primary has them. */
  const asynchronousSets = (inFlight) => {
    const flush = () => asynchronous.ask('flush');
    const accepted = at(asynchronous, ASYNC, 'set', inFlight);
    const flushed = async (operations) => {
      await accepted.run(operations);
      await flush();
    };
    return [
      { ...accepted, settle: flush },
      { ...accepted, name: ASYNC_FLUSHED, run: flushed },
    ];
  };
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
        at(alone, ALONE, 'set', inFlight),
        ...asynchronousSets(inFlight),
        onRedis('await redis.set(key, JSON.stringify(value))', inFlight, writes),
      ],
      targets: [
        { of: SYNC, to: NAMES.ioredis },
        { of: ASYNC, to: PRIMARY, id: inFlight === 1 ? 'async-set' : 'async-set-many' },
        { of: ASYNC, to: ALONE },
        { of: ASYNC_FLUSHED, to: NAMES.ioredis },
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
  for (const other of [secondary, alone]) await other.close();
  await drain(bench, primary, asynchronous);
}

/** Each key once: a newer set takes the place of one that waits. */
async function drain(bench, primary, secondary) {
  const sets = bench.scale(50_000);
  const speeds = [];
  for (let round = 0; round < DRAINS; round++) {
    await primary.paused(() => secondary.ask('rounds', 'set', FILLERS, sets, sets));
    const begun = performance.now();
    await secondary.ask('flush');
    speeds.push((sets / (performance.now() - begun)) * 1000);
  }
  bench.report({
    title: `an outbox of ${sets.toLocaleString('en')} sets, filled while the primary stood still`,
    rows: [
      {
        what: 'sent, executed and applied',
        value: median(speeds),
        unit: 'sets/s',
        id: 'drain',
      },
      { what: 'the same, slowest of the rounds', value: Math.min(...speeds), unit: 'sets/s' },
    ],
  });
}

async function redisPair(redis, key) {
  const owner = randomBytes(OWNER_BYTES).toString('hex');
  if ((await redis.set(`lock:${key}`, owner, 'PX', TTL_MS, 'NX')) !== 'OK') {
    throw new Error(`${key} is held.`);
  }
  if ((await redis.releaseLock(`lock:${key}`, owner)) !== 1) throw new Error(`${key} was lost.`);
}
