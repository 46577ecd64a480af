import { createCache } from 'cache-manager';
import { LRUCache } from 'lru-cache';
import { expectValue, fillNode, fillPeer } from './contenders.mjs';
import { loop } from './loop.mjs';
import { NAMES, openBento, openCacheable } from './peers.mjs';
import { keysOf, large, shuffled, small } from './workload.mjs';

export const name = 'l1-hit';
export const title = 'a hit in memory: await cache.get(key) over 1,000 resident keys; and a miss';

const ISOLATIONS = ['copy', 'freeze', 'share'];
const SERVICE = 'HyperCache, copy, the injectable';

const TARGETS = [
  { of: 'HyperCache, share', to: NAMES.memory, id: 'l1-share' },
  { of: 'HyperCache, freeze', to: NAMES.memory, id: 'l1-freeze' },
  { of: 'HyperCache, copy', to: NAMES.memory, id: 'l1-copy' },
  { of: 'HyperCache, share', to: NAMES.lru, id: 'l1-lru' },
  { of: 'HyperCache, copy', to: NAMES.bento, id: 'l1-bento' },
  { of: 'HyperCache, copy', to: NAMES.cacheable, id: 'l1-cacheable' },
];

/** @param {import('./harness.mjs').Bench} bench */
export async function run(bench) {
  for (const kind of [small, large]) {
    await bench.compare({
      title: kind.name,
      id: kind === small ? 'small' : 'large',
      unit: 'get',
      contenders: () => hits(bench, kind),
      // The targets are set for small values: a copy takes as long as the value is large.
      targets: kind === small ? TARGETS : TARGETS.map(({ of, to }) => ({ of, to })),
    });
  }
  await bench.compare({
    title: 'a miss',
    id: 'miss',
    unit: 'get',
    contenders: () => misses(bench),
    targets: [{ of: 'HyperCache', to: NAMES.memory }],
  });
}

async function hits({ workshop }, kind) {
  const keys = keysOf(1000);
  const order = shuffled(keys);
  const contenders = [];
  const add = async (label, cache) => {
    if (cache === undefined) return;
    expectValue(await cache.get(keys[7]), kind.make(7));
    contenders.push({
      name: label,
      run: loop({ call: 'await cache.get(key)', scope: { cache }, keys: order }),
    });
  };

  for (const isolation of ISOLATIONS) {
    const opened = await workshop.node({ isolation });
    await fillNode(opened, keys, kind.make);
    await add(`HyperCache, ${isolation}`, opened.cache);
    if (isolation === 'copy') await add(SERVICE, opened.hyperCache);
  }
  for (const [label, cache] of [
    [NAMES.memory, createCache()],
    [NAMES.bento, await openBento()],
    [NAMES.cacheable, await openCacheable()],
  ]) {
    if (cache !== undefined) await fillPeer(cache, keys, kind.make);
    await add(label, cache);
  }
  const lru = new LRUCache({ max: 10_000 });
  for (const [i, key] of keys.entries()) lru.set(key, kind.make(i));
  await add(NAMES.lru, { get: async (key) => lru.get(key) });
  return contenders;
}

/** Reads keys that never existed, while as many others exist. */
async function misses({ workshop }) {
  const keys = keysOf(1000);
  const order = shuffled(keys).map((key) => `no ${key}`);
  const opened = await workshop.node();
  await fillNode(opened, keys, small.make);
  const peers = [
    [NAMES.memory, createCache()],
    [NAMES.bento, await openBento()],
    [NAMES.cacheable, await openCacheable()],
  ].filter(([, cache]) => cache !== undefined);
  for (const [, cache] of peers) await fillPeer(cache, keys, small.make);
  return [['HyperCache', opened.cache], ...peers].map(([label, cache]) => ({
    name: label,
    run: loop({ call: 'await cache.get(key)', scope: { cache }, keys: order }),
  }));
}
