import { createCache } from 'cache-manager';
import { fillNode, fillPeer } from './contenders.mjs';
import { loop } from './loop.mjs';
import { NAMES, openBentoSqlite, openKeyvRedis, openKeyvSqlite } from './peers.mjs';
import { openRedis } from './redis.mjs';
import { generator, keysOf, shuffled, small, valuesOf } from './workload.mjs';

export const name = 'zipf';
export const title =
  'nine gets to one set, Zipf(0.99) over 100,000 resident keys of 150 B, memory for 10,000';

const OURS = 'HyperCache';
const RELAXED = 'HyperCache, relaxed, flush included';
const IN_FLIGHT = 64;
const SKEW = 0.99;
const DRAWS = 200_000;
const READS = 0.9;

/** @param {import('./harness.mjs').Bench} bench */
export async function run(bench) {
  const keys = keysOf(bench.scale(100_000));
  const load = {
    keys: drawsOf(shuffled(keys)),
    values: valuesOf(small),
    stamp: small.stamp,
    call: 'await (key.isRead ? cache.get(key.key) : cache.set(key.key, value))',
  };
  const { workshop } = bench;
  const server = await openRedis(workshop);
  const ours = await workshop.node();
  const relaxed = await workshop.node({ durability: 'relaxed' });
  for (const opened of [ours, relaxed]) await fillNode(opened, keys, small.make);
  const peers = Object.entries({
    [NAMES.memory]: createCache(),
    [NAMES.keyvRedis]: await openKeyvRedis(workshop, server),
    [NAMES.keyvSqlite]: await openKeyvSqlite(workshop),
    [NAMES.bentoSqlite]: await openBentoSqlite(workshop),
  }).filter(([, cache]) => cache !== undefined);
  for (const [, cache] of peers) await fillPeer(cache, keys, small.make);

  await bench.compare({
    title: 'one at a time',
    id: 'one',
    unit: 'operation',
    contenders: [
      { name: OURS, run: loop({ ...load, scope: { cache: ours.cache } }) },
      {
        name: RELAXED,
        run: loop({ ...load, scope: relaxed, finish: 'await node.flush();' }),
      },
      ...peers.map(([label, cache]) => ({ name: label, run: loop({ ...load, scope: { cache } }) })),
    ],
    targets: [
      { of: OURS, to: NAMES.keyvRedis, id: 'zipf-redis' },
      { of: RELAXED, to: NAMES.memory, id: 'zipf-relaxed' },
      { of: OURS, to: NAMES.keyvSqlite },
      { of: OURS, to: NAMES.bentoSqlite },
    ],
  });
  await bench.compare({
    title: `${IN_FLIGHT} in flight`,
    id: 'many',
    unit: 'operation',
    contenders: [[OURS, ours.cache], ...peers].map(([label, cache]) => ({
      name: label,
      run: loop({ ...load, scope: { cache }, inFlight: IN_FLIGHT }),
    })),
    targets: [
      { of: OURS, to: NAMES.keyvRedis, id: 'zipf-redis-many' },
      { of: OURS, to: NAMES.keyvSqlite },
    ],
  });
}

/** Which key is next, and whether it is read; the first keys are the popular ones. */
function drawsOf(keys) {
  const random = generator(7);
  const sums = new Float64Array(keys.length);
  let sum = 0;
  for (let rank = 1; rank <= keys.length; rank++) sums[rank - 1] = sum += rank ** -SKEW;
  return Array.from({ length: DRAWS }, () => ({
    key: keys[firstAbove(sums, random() * sum)],
    isRead: random() < READS,
  }));
}

function firstAbove(sums, wanted) {
  let low = 0;
  let high = sums.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sums[middle] > wanted) high = middle;
    else low = middle + 1;
  }
  return low;
}
