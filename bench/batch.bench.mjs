import { createCache } from 'cache-manager';
import { expectValue, fillDatabase, fillNode } from './contenders.mjs';
import { loop } from './loop.mjs';
import { keysOf, shuffled, small, valuesOf } from './workload.mjs';

export const name = 'batch';
export const title = 'wrap hits, mget and mset of 100 keys, 150 B';

const COPY = 'HyperCache, copy';
const SHARE = 'HyperCache, share';
const PEER = 'cache-manager, in memory';
const OURS = 'HyperCache';
const RAW = 'better-sqlite3, one transaction';

const BATCH = 100;

/** @param {import('./harness.mjs').Bench} bench */
export async function run(bench) {
  const keys = keysOf(1000);
  const caches = {
    [COPY]: await filledCache(bench, keys, 'copy'),
    [SHARE]: await filledCache(bench, keys, 'share'),
    [PEER]: createCache(),
  };
  for (const [i, key] of keys.entries()) await caches[PEER].set(key, small.make(i));

  await compareReads(bench, caches, {
    title: 'wrap hit',
    unit: 'wrap',
    keys: shuffled(keys),
    call: 'await cache.wrap(key, factory)',
  });
  await compareReads(bench, caches, {
    title: `mget of ${BATCH}`,
    unit: 'mget',
    keys: batchesOf(shuffled(keys)),
    call: 'await cache.mget(key)',
  });
  await compareMset(bench);
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

async function compareReads(bench, caches, { title: what, unit, keys, call }) {
  await bench.compare({
    title: what,
    unit,
    contenders: Object.entries(caches).map(([label, cache]) => ({
      name: label,
      run: loop({ call, keys, scope: { cache, factory: missed } }),
    })),
    targets: [
      { of: COPY, to: PEER },
      { of: SHARE, to: PEER },
    ],
  });
}

async function compareMset(bench) {
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
  await bench.compare({
    title: `mset of ${BATCH}`,
    unit: 'mset',
    contenders: async () => {
      const ours = await bench.workshop.node();
      await fillNode(ours, keys, small.make);
      const raw = bench.workshop.database();
      fillDatabase(raw, keys, small.make);
      const write = raw.database.transaction((entries) => {
        for (const { key, value } of entries) raw.upsert.run(key, JSON.stringify(value));
      });
      const { cache } = ours;
      return [
        { name: OURS, run: loop({ ...writes, call: 'await cache.mset(key)', scope: { cache } }) },
        { name: RAW, run: loop({ ...writes, call: 'write(key)', scope: { write } }) },
      ];
    },
    targets: [{ of: OURS, to: RAW }],
  });
}
