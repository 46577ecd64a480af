import { createCache } from 'cache-manager';
import { expectValue, fillDatabase, fillNode, fillPeer } from './contenders.mjs';
import { loop } from './loop.mjs';
import { NAMES, openBentoSqlite, openCacheable, openKeyvRedis, openKeyvSqlite } from './peers.mjs';
import { APPEND_ALWAYS, openRedis } from './redis.mjs';
import { keysOf, large, shuffled, small, valuesOf } from './workload.mjs';

export const name = 'set';
export const title = 'await cache.set(key, value) over existing keys, each value a new one';

const ONE = 'HyperCache, one at a time';
const MANY = 'HyperCache, 64 in flight';
const RAW = 'better-sqlite3, autocommit upserts';
const RELAXED = 'HyperCache, relaxed, flush included';
const SQLITE_MANY = `${NAMES.keyvSqlite}, 64 in flight`;
const REDIS_MANY = `${NAMES.keyvRedis}, 64 in flight`;
const IOREDIS_MANY = `${NAMES.ioredis}, 64 in flight`;
/** The most writes that a file allows when every write reaches it: the limit for writes that do not repeat a key. */
const RAW_BATCHES = 'better-sqlite3, 500 upserts in a transaction';
const RAW_BATCH = 500;

/** @param {import('./harness.mjs').Bench} bench */
export async function run(bench) {
  await compareNormal(bench, small, {
    raw: 'set-raw',
    redis: 'set-redis',
    keyvRedis: 'set-keyv-redis',
    sqlite: 'set-sqlite',
  });
  await compareNormal(bench, large, { raw: 'set-raw-large' });
  await compareBeside(bench);
  await compareFull(bench);
  await compareRelaxed(bench, 10_000, 'set-relaxed');
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

async function compareNormal(bench, kind, ids) {
  const keys = keysOf(bench.scale(10_000));
  await bench.compare({
    title: `${kind.name}, synchronous=NORMAL, ${grouped(keys.length)} keys`,
    id: kind === small ? 'small' : 'large',
    unit: 'set',
    contenders: async () => {
      const writes = writesOf(keys, kind);
      const one = await filledNode(bench, keys, kind);
      const many = await filledNode(bench, keys, kind);
      return [
        { name: ONE, run: awaited(one.cache, writes) },
        { name: MANY, run: awaited(many.cache, writes, { inFlight: 64 }) },
        { name: RAW, run: upserts(filledDatabase(bench, keys, kind), writes) },
        ...(await peers(bench, keys, kind, writes)),
      ];
    },
    targets: [
      { of: ONE, to: RAW, id: ids.raw },
      { of: MANY, to: RAW },
      { of: ONE, to: NAMES.keyvRedis },
      { of: MANY, to: REDIS_MANY, id: ids.keyvRedis },
      { of: MANY, to: IOREDIS_MANY, id: ids.redis },
      { of: MANY, to: SQLITE_MANY, id: ids.sqlite },
    ],
  });
}

/** Small values in a file that holds large ones too, right after those were read and written. */
async function compareBeside(bench) {
  const keys = keysOf(bench.scale(10_000));
  const largeKeys = keysOf(1000).map((key) => `large:${key}`);
  await bench.compare({
    title: `${small.name}, ${grouped(keys.length)} keys beside ${grouped(largeKeys.length)} of ${large.name}`,
    id: 'beside',
    unit: 'set',
    contenders: async () => {
      const writes = writesOf(keys, small);
      const largeWrites = { ...writesOf(largeKeys, large), call: 'await touch(key, value)' };
      const ours = await filledNode(bench, keys, small);
      await fillNode(ours, largeKeys, large.make);
      const raw = filledDatabase(bench, keys, small);
      fillDatabase(raw, largeKeys, large.make);
      const touches = (touch) => loop({ ...largeWrites, scope: { touch } });
      const touchOurs = touches(async (key, value) => {
        await ours.cache.get(key);
        await ours.cache.set(key, value);
      });
      const touchRaw = touches((key, value) => {
        JSON.parse(raw.select.get(key));
        raw.upsert.run(key, JSON.stringify(value));
      });
      return [
        {
          name: ONE,
          run: awaited(ours.cache, writes),
          prepare: () => touchOurs(largeKeys.length),
        },
        { name: RAW, run: upserts(raw, writes), prepare: () => touchRaw(largeKeys.length) },
      ];
    },
    targets: [{ of: ONE, to: RAW, id: 'set-raw-beside' }],
  });
}

async function peers({ workshop }, keys, kind, writes) {
  const server = await openRedis(workshop);
  const found = [];
  const add = async (label, cache, many) => {
    if (cache === undefined) return;
    await fillPeer(cache, keys, kind.make);
    found.push({ name: label, run: awaited(cache, writes) });
    if (many) found.push({ name: many, run: awaited(cache, writes, { inFlight: 64 }) });
  };
  await add(NAMES.memory, createCache());
  await add(NAMES.cacheable, await openCacheable());
  await add(NAMES.bentoSqlite, await openBentoSqlite(workshop));
  await add(NAMES.keyvSqlite, await openKeyvSqlite(workshop), SQLITE_MANY);
  await add(NAMES.keyvRedis, await openKeyvRedis(workshop, server), REDIS_MANY);
  if (server !== undefined) {
    found.push({ name: NAMES.ioredis, run: sends(server.redis, writes) });
    found.push({ name: IOREDIS_MANY, run: sends(server.redis, writes, { inFlight: 64 }) });
  }
  return found;
}

function sends(redis, writes, rest) {
  const call = 'await redis.set(key, JSON.stringify(value))';
  return loop({ ...writes, call, scope: { redis }, ...rest });
}

async function compareFull(bench) {
  const keys = keysOf(bench.scale(10_000));
  const writes = writesOf(keys, small);
  await bench.compare({
    title: `${small.name}, synchronous=FULL, ${grouped(keys.length)} keys`,
    id: 'full',
    unit: 'set',
    contenders: async () => {
      const { cache } = await filledNode(bench, keys, small, { durability: 'full' });
      const raw = filledDatabase(bench, keys, small, { synchronous: 'FULL' });
      const server = await openRedis(bench.workshop, APPEND_ALWAYS);
      return [
        { name: MANY, run: awaited(cache, writes, { inFlight: 64 }) },
        { name: RAW, run: upserts(raw, writes) },
        server && { name: IOREDIS_MANY, run: sends(server.redis, writes, { inFlight: 64 }) },
      ];
    },
    targets: [
      { of: MANY, to: RAW },
      { of: MANY, to: IOREDIS_MANY, id: 'set-full' },
    ],
  });
}

async function compareRelaxed(bench, count, target) {
  const keys = keysOf(bench.scale(count));
  const writes = writesOf(keys, small);
  await bench.compare({
    title: `${small.name}, durability relaxed, ${grouped(keys.length)} keys`,
    id: target === undefined ? 'relaxed-many-keys' : 'relaxed',
    unit: 'set',
    contenders: async () => {
      const { cache, node } = await filledNode(bench, keys, small, { durability: 'relaxed' });
      const memory = createCache();
      await fillPeer(memory, keys, small.make);
      return [
        {
          name: RELAXED,
          run: awaited(cache, writes, {
            scope: { cache, node },
            finish: 'await node.flush();',
          }),
        },
        { name: NAMES.memory, run: awaited(memory, writes) },
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
      { of: RELAXED, to: NAMES.memory, id: target },
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
