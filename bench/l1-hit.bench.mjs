import { createCache } from 'cache-manager';
import { LRUCache } from 'lru-cache';
import { expectValue, fillNode } from './contenders.mjs';
import { loop } from './loop.mjs';
import { peer } from './peers.mjs';
import { keysOf, large, shuffled, small } from './workload.mjs';

export const name = 'l1-hit';
export const title = 'a hit in memory: await cache.get(key) over 1,000 resident keys';

const ISOLATIONS = ['copy', 'freeze', 'share'];
const PEER = 'cache-manager, in memory';
const LRU = 'await lru.get';
const BENTO = 'bentocache, memory';

const TARGETS = [
  { of: 'HyperCache, copy', to: PEER, atLeast: 1.4 },
  { of: 'HyperCache, freeze', to: PEER },
  { of: 'HyperCache, share', to: PEER, atLeast: 3 },
  { of: 'HyperCache, copy', to: BENTO, atLeast: 10 },
  { of: 'HyperCache, share', to: LRU },
];

/** @param {import('./harness.mjs').Bench} bench */
export async function run(bench) {
  for (const kind of [small, large]) {
    await bench.compare({
      title: kind.name,
      unit: 'get',
      contenders: () => contendersOf(bench, kind),
      // The targets are set for small values: a copy takes as long as the value is large.
      targets: kind === small ? TARGETS : TARGETS.map(({ of, to }) => ({ of, to })),
    });
  }
}

async function contendersOf({ workshop }, kind) {
  const keys = keysOf(1000);
  const order = shuffled(keys);
  const wanted = kind.make(7);
  const reader = (label, cache, call = 'await cache.get(key)') => {
    return { name: label, run: loop({ call, scope: { cache }, keys: order }) };
  };

  const contenders = [];
  for (const isolation of ISOLATIONS) {
    const opened = await workshop.node({ isolation });
    await fillNode(opened, keys, kind.make);
    expectValue(await opened.cache.get(keys[7]), wanted);
    contenders.push(reader(`HyperCache, ${isolation}`, opened.cache));
  }

  const manager = createCache();
  for (const [i, key] of keys.entries()) await manager.set(key, kind.make(i));
  expectValue(await manager.get(keys[7]), wanted);
  contenders.push(reader(PEER, manager));

  const lru = new LRUCache({ max: 10_000 });
  for (const [i, key] of keys.entries()) lru.set(key, kind.make(i));
  expectValue(lru.get(keys[7]), wanted);
  contenders.push(reader(LRU, { get: async (key) => lru.get(key) }));

  const bento = await openBento();
  if (bento !== undefined) {
    for (const [i, key] of keys.entries())
      await bento.set({ key, value: kind.make(i), ttl: '24h' });
    expectValue(await bento.get({ key: keys[7] }), wanted);
    contenders.push(reader(BENTO, bento, 'await cache.get({ key })'));
  }
  return contenders;
}

async function openBento() {
  const bentocache = await peer('bentocache');
  const drivers = await peer('bentocache/drivers/memory');
  if (bentocache === undefined || drivers === undefined) return undefined;
  const { BentoCache, bentostore } = bentocache;
  const memory = bentostore().useL1Layer(drivers.memoryDriver({ maxItems: 10_000 }));
  return new BentoCache({ default: 'memory', stores: { memory } });
}
