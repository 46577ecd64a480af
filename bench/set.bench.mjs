import { createCache } from 'cache-manager';
import { expectValue, fillDatabase, fillNode } from './contenders.mjs';
import { loop } from './loop.mjs';
import { keysOf, large, shuffled, small, valuesOf } from './workload.mjs';

export const name = 'set';
export const title = 'await cache.set(key, value) over existing keys, each value a new one';

const ONE = 'HyperCache, one at a time';
const MANY = 'HyperCache, 64 in flight';
const RAW = 'better-sqlite3, autocommit upserts';
const RELAXED = 'HyperCache, relaxed, flush included';
const MEMORY = 'cache-manager, in memory';

const AWAITED = 'await cache.set(key, value)';
const RAW_UPSERT = 'upsert.run(key, JSON.stringify(value))';

/** @param {import('./harness.mjs').Bench} bench */
export async function run(bench) {
  await compareNormal(bench, small, [
    { of: ONE, to: RAW, atLeast: 0.6 },
    { of: MANY, to: RAW, atLeast: 1.1 },
  ]);
  await compareNormal(bench, large, [
    { of: ONE, to: RAW },
    { of: MANY, to: RAW },
  ]);
  await compareFull(bench);
  await compareRelaxed(bench, 1000);
  await compareRelaxed(bench, 100_000);
}

function writesOf(keys, kind) {
  return { keys: shuffled(keys), values: valuesOf(kind), stamp: kind.stamp };
}

async function filledNode(bench, keys, kind, options) {
  const opened = await bench.workshop.node(options);
  await fillNode(opened, keys, kind.make);
  expectValue(await opened.cache.get(keys[7]), kind.make(7));
  return opened;
}

function filledDatabase(bench, keys, kind, options) {
  const opened = bench.workshop.database(options);
  fillDatabase(opened, keys, kind.make);
  expectValue(JSON.parse(opened.select.get(keys[7])), kind.make(7));
  return opened;
}

async function compareNormal(bench, kind, targets) {
  const keys = keysOf(bench.scale(10_000));
  const writes = writesOf(keys, kind);
  const { cache } = await filledNode(bench, keys, kind);
  const { upsert } = filledDatabase(bench, keys, kind);
  await bench.compare({
    title: `${kind.name}, synchronous=NORMAL, 10,000 keys`,
    unit: 'set',
    contenders: [
      { name: ONE, run: loop({ ...writes, call: AWAITED, scope: { cache } }) },
      { name: MANY, run: loop({ ...writes, call: AWAITED, scope: { cache }, inFlight: 64 }) },
      { name: RAW, run: loop({ ...writes, call: RAW_UPSERT, scope: { upsert } }) },
    ],
    targets,
  });
}

async function compareFull(bench) {
  const keys = keysOf(bench.scale(10_000));
  const writes = writesOf(keys, small);
  const { cache } = await filledNode(bench, keys, small, { durability: 'full' });
  const { upsert } = filledDatabase(bench, keys, small, { synchronous: 'FULL' });
  await bench.compare({
    title: `${small.name}, synchronous=FULL, 10,000 keys`,
    unit: 'set',
    contenders: [
      { name: MANY, run: loop({ ...writes, call: AWAITED, scope: { cache }, inFlight: 64 }) },
      { name: RAW, run: loop({ ...writes, call: RAW_UPSERT, scope: { upsert } }) },
    ],
    targets: [{ of: MANY, to: RAW, atLeast: 6 }],
  });
}

async function compareRelaxed(bench, count) {
  const keys = keysOf(bench.scale(count));
  const writes = writesOf(keys, small);
  const { cache, node } = await filledNode(bench, keys, small, { durability: 'relaxed' });
  const memory = createCache();
  for (const [i, key] of keys.entries()) await memory.set(key, small.make(i));
  await bench.compare({
    title: `${small.name}, durability relaxed, ${keys.length.toLocaleString('en-US')} keys`,
    unit: 'set',
    contenders: [
      {
        name: RELAXED,
        run: loop({
          ...writes,
          call: AWAITED,
          scope: { cache, node },
          finish: 'await node.flush();',
        }),
      },
      { name: MEMORY, run: loop({ ...writes, call: AWAITED, scope: { cache: memory } }) },
    ],
    targets: [{ of: RELAXED, to: MEMORY, atLeast: 1 }],
  });
}
