import { createCache } from 'cache-manager';
import { fillNode, fillPeer } from './contenders.mjs';
import { loop } from './loop.mjs';
import { NAMES, ROOM, openBentoSqlite, openKeyvRedis, openKeyvSqlite } from './peers.mjs';
import { openRedis } from './redis.mjs';
import { drawsOf, keysOf, shuffled, small, valuesOf } from './workload.mjs';

export const name = 'zipf';
export const title = 'nine gets to one set, Zipf(0.99) over 100,000 keys of 150 B, default options';

const OURS = 'HyperCache';
const RELAXED = 'HyperCache, relaxed, flush included';
const IN_FLIGHT = 64;

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
    [NAMES.bentoSqlite]: await openBentoSqlite(workshop, ROOM),
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
