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
/** What a file allows at most when everything reaches it: the limit for writes that do not repeat a key. */
const RAW_BATCHES = 'better-sqlite3, 500 upserts in a transaction';
const RAW_BATCH = 500;

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

function awaited(cache, writes, rest) {
  return loop({ ...writes, call: 'await cache.set(key, value)', scope: { cache }, ...rest });
}

function upserts({ upsert }, writes) {
  return loop({ ...writes, call: 'upsert.run(key, JSON.stringify(value))', scope: { upsert } });
}

async function compareNormal(bench, kind, targets) {
  const keys = keysOf(bench.scale(10_000));
  const writes = writesOf(keys, kind);
  await bench.compare({
    title: `${kind.name}, synchronous=NORMAL, ${grouped(keys.length)} keys`,
    unit: 'set',
    contenders: async () => {
      const one = await filledNode(bench, keys, kind);
      const many = await filledNode(bench, keys, kind);
      const raw = filledDatabase(bench, keys, kind);
      return [
        { name: ONE, run: awaited(one.cache, writes) },
        { name: MANY, run: awaited(many.cache, writes, { inFlight: 64 }) },
        { name: RAW, run: upserts(raw, writes) },
      ];
    },
    targets,
  });
}

async function compareFull(bench) {
  const keys = keysOf(bench.scale(10_000));
  const writes = writesOf(keys, small);
  await bench.compare({
    title: `${small.name}, synchronous=FULL, ${grouped(keys.length)} keys`,
    unit: 'set',
    contenders: async () => {
      const { cache } = await filledNode(bench, keys, small, { durability: 'full' });
      const raw = filledDatabase(bench, keys, small, { synchronous: 'FULL' });
      return [
        { name: MANY, run: awaited(cache, writes, { inFlight: 64 }) },
        { name: RAW, run: upserts(raw, writes) },
      ];
    },
    targets: [{ of: MANY, to: RAW, atLeast: 6 }],
  });
}

async function compareRelaxed(bench, count) {
  const keys = keysOf(bench.scale(count));
  const writes = writesOf(keys, small);
  await bench.compare({
    title: `${small.name}, durability relaxed, ${grouped(keys.length)} keys`,
    unit: 'set',
    contenders: async () => {
      const { cache, node } = await filledNode(bench, keys, small, { durability: 'relaxed' });
      const memory = createCache();
      for (const [i, key] of keys.entries()) await memory.set(key, small.make(i));
      return [
        {
          name: RELAXED,
          run: awaited(cache, writes, {
            scope: { cache, node },
            finish: 'await node.flush();',
          }),
        },
        { name: MEMORY, run: awaited(memory, writes) },
        {
          name: RAW_BATCHES,
          run: loop({
            ...writes,
            call: 'batches.add(key, JSON.stringify(value))',
            scope: { batches: new RawBatches(filledDatabase(bench, keys, small)) },
            finish: 'batches.commit();',
          }),
        },
      ];
    },
    targets: [
      { of: RELAXED, to: MEMORY, atLeast: 1 },
      { of: RELAXED, to: RAW_BATCHES },
    ],
  });
}

/** Collects upserts and commits them together. */
class RawBatches {
  #waiting = [];
  #write;

  constructor({ database, upsert }) {
    this.#write = database.transaction((rows) => {
      for (const [key, text] of rows) upsert.run(key, text);
    });
  }

  add(key, text) {
    this.#waiting.push([key, text]);
    if (this.#waiting.length === RAW_BATCH) this.commit();
  }

  commit() {
    this.#write(this.#waiting);
    this.#waiting = [];
  }
}

function grouped(number) {
  return number.toLocaleString('en-US');
}
