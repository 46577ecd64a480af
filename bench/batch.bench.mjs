import { createCache } from 'cache-manager';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expectValue, fillDatabase, fillNode, fillPeer } from './contenders.mjs';
import { loop } from './loop.mjs';
import { NAMES, openBento, openCacheable, openKeyvRedis } from './peers.mjs';
import { openRedis } from './redis.mjs';
import { keysOf, shuffled, small, valuesOf } from './workload.mjs';

export const name = 'batch';
export const title = 'wrap, mget and mset of 100 keys, 150 B';

const COPY = 'HyperCache, copy';
const SHARE = 'HyperCache, share';
const OURS = 'HyperCache';
const RAW = 'better-sqlite3, one transaction';

const BATCH = 100;
const CALLERS = 1000;

/** @param {import('./harness.mjs').Bench} bench */
export async function run(bench) {
  const keys = keysOf(1000);
  const redis = await openRedis(bench.workshop);
  const overRedis = await openKeyvRedis(bench.workshop, redis);
  const caches = {
    [COPY]: await filledCache(bench, keys, 'copy'),
    [SHARE]: await filledCache(bench, keys, 'share'),
    [NAMES.memory]: createCache(),
    [NAMES.keyvRedis]: overRedis,
    [NAMES.bento]: await openBento(),
    [NAMES.cacheable]: await openCacheable(),
  };
  for (const [label, cache] of Object.entries(caches)) {
    if (cache === undefined) delete caches[label];
    else if (label !== COPY && label !== SHARE) await fillPeer(cache, keys, small.make);
  }

  await compareReads(bench, caches, {
    title: 'wrap hit',
    id: 'wrap',
    unit: 'wrap',
    keys: shuffled(keys),
    call: 'await cache.wrap(key, factory)',
    targets: [
      { of: SHARE, to: NAMES.memory, id: 'wrap-share' },
      { of: COPY, to: NAMES.memory },
    ],
  });
  await compareReads(bench, only(caches, [COPY, SHARE, NAMES.memory, NAMES.keyvRedis]), {
    title: `mget of ${BATCH}`,
    id: 'mget',
    unit: 'mget',
    keys: batchesOf(shuffled(keys)),
    call: 'await cache.mget(key)',
    targets: [
      { of: COPY, to: NAMES.memory, id: 'mget-copy' },
      { of: SHARE, to: NAMES.memory, id: 'mget-share' },
      { of: COPY, to: NAMES.keyvRedis },
    ],
  });
  await compareStampede(bench, caches);
  await compareMset(bench, overRedis);
}

function only(caches, labels) {
  return Object.fromEntries(Object.entries(caches).filter(([label]) => labels.includes(label)));
}

function batchesOf(items) {
  return Array.from({ length: items.length / BATCH }, (_, i) =>
    items.slice(i * BATCH, (i + 1) * BATCH),
  );
}

async function filledCache({ workshop }, keys, isolation) {
  const opened = await workshop.node({ isolation });
  await fillNode(opened, keys, small.make);
  expectValue(await opened.cache.wrap(keys[7], missed), small.make(7));
  expectValue(await opened.cache.mget(keys.slice(7, 8)), [small.make(7)]);
  return opened.cache;
}

function missed() {
  throw new Error('A key that must be there was missing.');
}

async function compareReads(bench, caches, { title: what, id, unit, keys, call, targets }) {
  await bench.compare({
    title: what,
    id,
    unit,
    contenders: Object.entries(caches).map(([label, cache]) => ({
      name: label,
      run: loop({ call, keys, scope: { cache, factory: missed } }),
    })),
    targets,
  });
}

/** Many callers ask at once for a key that is missing. */
async function compareStampede(bench, caches) {
  let fresh = 0;
  const stampede = async (cache) => {
    const key = `fresh:${++fresh}`;
    let calls = 0;
    const factory = async () => {
      calls++;
      await nextTurn();
      return small.make(fresh);
    };
    await Promise.all(Array.from({ length: CALLERS }, () => cache.wrap(key, factory)));
    if (calls !== 1) throw new Error(`The factory was called ${calls} times.`);
  };
  await bench.compare({
    title: `wrap of one missing key by ${CALLERS.toLocaleString('en-US')} callers`,
    id: 'stampede',
    unit: 'stampede',
    contenders: Object.entries(caches).map(([label, cache]) => ({
      name: label,
      run: loop({ call: 'await stampede(key)', keys: [cache], scope: { stampede } }),
    })),
    targets: [{ of: COPY, to: NAMES.memory }],
  });
}

async function compareMset(bench, overRedis) {
  const keys = keysOf(bench.scale(10_000));
  const values = valuesOf(small, BATCH);
  const writes = {
    keys: batchesOf(shuffled(keys)).map((batch) =>
      batch.map((key, i) => ({ key, value: values[i] })),
    ),
    values: [values],
    stamp: (all, n) => {
      for (const [i, value] of all.entries()) small.stamp(value, n * BATCH + i);
    },
  };
  const mset = (cache) => loop({ ...writes, call: 'await cache.mset(key)', scope: { cache } });
  await bench.compare({
    title: `mset of ${BATCH}`,
    id: 'mset',
    unit: 'mset',
    contenders: async () => {
      const ours = await bench.workshop.node();
      await fillNode(ours, keys, small.make);
      const raw = bench.workshop.database();
      fillDatabase(raw, keys, small.make);
      const write = raw.database.transaction((entries) => {
        for (const { key, value } of entries) raw.upsert.run(key, JSON.stringify(value));
      });
      const memory = createCache();
      await fillPeer(memory, keys, small.make);
      return [
        { name: OURS, run: mset(ours.cache) },
        { name: RAW, run: loop({ ...writes, call: 'write(key)', scope: { write } }) },
        { name: NAMES.memory, run: mset(memory) },
        overRedis && { name: NAMES.keyvRedis, run: mset(overRedis) },
      ];
    },
    targets: [
      { of: OURS, to: RAW },
      { of: OURS, to: NAMES.keyvRedis },
    ],
  });
}
