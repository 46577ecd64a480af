import { createCache } from 'cache-manager';
import { LRUCache } from 'lru-cache';
import { expectValue, fillNode, fillPeer } from './contenders.mjs';
import { loop } from './loop.mjs';
import { NAMES, openBento, openCacheable } from './peers.mjs';
import { keysOf, large, shuffled, small } from './workload.mjs';

export const name = 'l1-hit';
export const title =
  'a hit in memory: await cache.get(key) over 1,000 keys, or more than 10,000 with default options; and a miss';

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

const DEFAULT = 'HyperCache';
const FILE = 'HyperCache, no L1';
const MANY = 1000;
const IN_FLIGHT = 64;

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
  await byDefault(bench);
  await bench.compare({
    title: 'a miss',
    id: 'miss',
    unit: 'get',
    contenders: () => misses(bench),
    targets: [{ of: 'HyperCache', to: NAMES.memory }],
  });
}

/** What an application has that gives no options, with more entries than peers hold by default. */
async function byDefault(bench) {
  const keys = keysOf(bench.scale(11_000));
  for (const inFlight of [1, IN_FLIGHT]) {
    const isOne = inFlight === 1;
    await bench.compare({
      title: `default options, ${grouped(keys.length)} keys, ${isOne ? 'one at a time' : `${inFlight} in flight`}`,
      id: isOne ? 'default' : 'default-many',
      unit: 'get',
      contenders: async () => {
        const opened = await bench.workshop.node();
        await fillNode(opened, keys, small.make);
        const memory = createCache();
        await fillPeer(memory, keys, small.make);
        return [
          [DEFAULT, opened.cache],
          [NAMES.memory, memory],
        ].map(([label, cache]) => reader(label, cache, keys, inFlight));
      },
      targets: [{ of: DEFAULT, to: NAMES.memory, id: isOne ? 'default-hit' : 'default-hit-many' }],
    });
  }
  const around = keysOf(bench.scale(10_000));
  const read = keysOf(MANY).map((key) => `large:${key}`);
  await bench.compare({
    title: `default options, 10 kB, ${grouped(MANY)} keys beside ${grouped(around.length)} of 150 B`,
    id: 'default-large',
    unit: 'get',
    contenders: async () => {
      const opened = await bench.workshop.node();
      const file = await bench.workshop.node({ l1: false });
      for (const node of [opened, file]) {
        await fillNode(node, around, small.make);
        await fillNode(node, read, large.make);
      }
      const peers = [
        [NAMES.memory, createCache()],
        [NAMES.bento, await openBento()],
      ].filter(([, cache]) => cache !== undefined);
      for (const [, cache] of peers) {
        await fillPeer(cache, around, small.make);
        await fillPeer(cache, read, large.make);
      }
      return [[DEFAULT, opened.cache], [FILE, file.cache], ...peers].map(([label, cache]) =>
        reader(label, cache, read),
      );
    },
    targets: [
      { of: DEFAULT, to: NAMES.bento, id: 'default-large-bento' },
      { of: DEFAULT, to: FILE, id: 'default-large-file' },
      { of: DEFAULT, to: NAMES.memory },
    ],
  });
}

function reader(label, cache, keys, inFlight = 1) {
  const call = 'await cache.get(key)';
  return { name: label, run: loop({ call, scope: { cache }, keys: shuffled(keys), inFlight }) };
}

function grouped(number) {
  return number.toLocaleString('en-US');
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
