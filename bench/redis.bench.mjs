import { randomBytes } from 'node:crypto';
import { createClient } from '@redis/client';
import { expectValue, fillNode, fillPeer } from './contenders.mjs';
import {
  createCacheManagerCache,
  createNode,
  HyperCache,
  redisEngine,
  resolveOptions,
} from './library.mjs';
import { loop } from './loop.mjs';
import { NAMES, openKeyvRedis } from './peers.mjs';
import { openRedis } from './redis.mjs';
import { drawsOf, keysOf, shuffled, SKEW, small, valuesOf } from './workload.mjs';

export const name = 'redis';
export const title = 'the engine over Redis, one server for all, values of 150 B';

const OURS = 'HyperCache over Redis';
const SQLITE = 'HyperCache over SQLite';
const RAW = '@redis/client, SET and GET of JSON';
const TAGGED = 'HyperCache over Redis, one tag';
const BARE_LOCK = '@redis/client, SET NX PX and a script';
const RELEASE = `if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0`;

/** @param {import('./harness.mjs').Bench} bench */
export async function run(bench) {
  const { workshop } = bench;
  const server = await openRedis(workshop);
  if (server === undefined) return;
  console.log(`  Redis ${server.version}, on the loopback\n`);
  const url = `redis://127.0.0.1:${server.port}`;
  const keys = keysOf(bench.scale(10_000));
  const ours = await openOurs(workshop, url, 'bench');
  const below = await openOurs(workshop, url, 'below', { l1: false });
  // On keys of its own: the server notifies every node that has read a key of its changes.
  const tagged = await openOurs(workshop, url, 'tagged');
  const sqlite = await workshop.node();
  const keyv = await openKeyvRedis(workshop, server);
  const raw = await openRaw(workshop, url);
  for (const opened of [ours, below, sqlite]) await fillNode(opened, keys, small.make);
  if (keyv !== undefined) await fillPeer(keyv, keys, small.make);
  await fillPeer(
    { set: (key, value) => raw.set(`raw:${key}`, JSON.stringify(value)) },
    keys,
    small.make,
  );
  for (const key of keys) await ours.cache.get(key);
  expectValue(await below.cache.get(keys[7]), small.make(7));

  const reads = { keys: shuffled(keys), call: 'await cache.get(key)' };
  await bench.compare({
    title: 'a hit in memory',
    id: 'hit',
    unit: 'get',
    contenders: [
      { name: OURS, run: loop({ ...reads, scope: { cache: ours.cache } }) },
      { name: SQLITE, run: loop({ ...reads, scope: { cache: sqlite.cache } }) },
    ],
    targets: [{ of: OURS, to: SQLITE, id: 'redis-hit' }],
  });
  for (const inFlight of [1, 64]) {
    const many = inFlight === 1 ? '' : '-many';
    const how = inFlight === 1 ? 'one at a time' : `${inFlight} in flight`;
    const in_ = (of, rest) => loop({ ...rest, scope: { cache: of }, inFlight });
    await bench.compare({
      title: `a read below memory, ${how}`,
      id: `below${many}`,
      unit: 'get',
      contenders: [
        { name: OURS, run: in_(below.cache, reads) },
        keyv && { name: NAMES.keyvRedis, run: in_(keyv, reads) },
        {
          name: RAW,
          run: in_(raw, { ...reads, call: "JSON.parse(await cache.get('raw:' + key))" }),
        },
      ],
      targets: [{ of: OURS, to: NAMES.keyvRedis, id: `redis-below${many}` }],
    });
    const writes = { keys: shuffled(keys), values: valuesOf(small), stamp: small.stamp };
    await bench.compare({
      title: `set, ${how}`,
      id: `set${many}`,
      unit: 'set',
      contenders: [
        { name: OURS, run: in_(ours.cache, { ...writes, call: 'await cache.set(key, value)' }) },
        {
          name: TAGGED,
          run: in_(tagged.hyperCache, {
            ...writes,
            call: "await cache.set(key, value, { tags: ['tag'] })",
          }),
        },
        keyv && {
          name: NAMES.keyvRedis,
          run: in_(keyv, { ...writes, call: 'await cache.set(key, value)' }),
        },
        {
          name: RAW,
          run: in_(raw, {
            ...writes,
            call: "await cache.set('raw:' + key, JSON.stringify(value))",
          }),
        },
      ],
      targets: [
        { of: OURS, to: NAMES.keyvRedis, id: `redis-set${many}` },
        { of: OURS, to: RAW, id: `redis-set-raw${many}` },
        { of: TAGGED, to: NAMES.keyvRedis, ...(inFlight === 64 && { id: 'redis-tagged' }) },
      ],
    });
    await bench.compare({
      title: `a lock acquired and released, ${how}`,
      id: `lock${many}`,
      unit: 'pair',
      contenders: [
        {
          name: OURS,
          run: loop({
            keys: keys.slice(0, 1000),
            inFlight,
            scope: { pair: ourPair(ours.node) },
            call: 'await pair(key)',
          }),
        },
        {
          name: BARE_LOCK,
          run: loop({
            keys: keys.slice(0, 1000),
            inFlight,
            scope: { pair: await barePair(raw) },
            call: 'await pair(key)',
          }),
        },
      ],
      targets: [{ of: OURS, to: BARE_LOCK, ...(inFlight === 1 && { id: 'redis-lock' }) }],
    });
  }
  await zipf(bench, ours, keyv);
  if (keyv !== undefined) await memory(bench, workshop);
}

/** Nine gets to one set. */
async function zipf(bench, ours, keyv) {
  const keys = keysOf(bench.scale(100_000));
  await fillNode(ours, keys, small.make);
  if (keyv !== undefined) await fillPeer(keyv, keys, small.make);
  const load = {
    keys: drawsOf(shuffled(keys)),
    values: valuesOf(small),
    stamp: small.stamp,
    call: 'await (key.isRead ? cache.get(key.key) : cache.set(key.key, value))',
  };
  for (const inFlight of [1, 64]) {
    const loaded = (cache) => loop({ ...load, scope: { cache }, inFlight });
    await bench.compare({
      title: `Zipf(${SKEW}) over ${keys.length} keys, ${inFlight} in flight`,
      id: inFlight === 1 ? 'zipf' : 'zipf-many',
      unit: 'operation',
      contenders: [
        { name: OURS, run: loaded(ours.cache) },
        keyv && { name: NAMES.keyvRedis, run: loaded(keyv) },
      ],
      targets: [
        { of: OURS, to: NAMES.keyvRedis, id: inFlight === 1 ? 'redis-zipf' : 'redis-zipf-many' },
      ],
    });
  }
}

/** What the server needs for the same entries. */
async function memory(bench, workshop) {
  const keys = keysOf(bench.scale(20_000));
  const used = async (fill) => {
    const server = await openRedis(workshop);
    const of = async () => Number(/used_memory:(\d+)/.exec(await server.redis.info('memory'))[1]);
    const before = await of();
    await fill(server);
    return ((await of()) - before) / keys.length;
  };
  const ours = await used(async ({ port }) =>
    fillNode(await openOurs(workshop, `redis://127.0.0.1:${port}`, 'hc'), keys, small.make),
  );
  const theirs = await used(async (server) =>
    fillPeer(await openKeyvRedis(workshop, server), keys, small.make),
  );
  bench.report({
    title: "the server's memory, for an entry of 150 B",
    rows: [
      { what: OURS, value: ours, unit: 'B' },
      { what: NAMES.keyvRedis, value: theirs, unit: 'B' },
      { what: `${OURS} : ${NAMES.keyvRedis}`, value: ours / theirs, unit: 'x', id: 'redis-memory' },
    ],
  });
}

async function openOurs(workshop, url, prefix, options = {}) {
  const engine = redisEngine({ url, prefix, maxPending: 1_000_000 });
  const resolved = resolveOptions({ engine, logger: false, ...options }, {});
  const node = createNode(resolved);
  await node.start();
  workshop.onClose(() => node.close());
  const own = node.cache(resolved.namespace);
  const cache = createCacheManagerCache(own, () => node.flush());
  return { node, own, cache, hyperCache: new HyperCache(node, own) };
}

async function openRaw(workshop, url) {
  const client = createClient({ url, RESP: 3, maintNotifications: 'disabled' });
  client.on('error', () => undefined);
  await client.connect();
  workshop.onClose(() => client.destroy());
  return client;
}

function ourPair({ locks }) {
  return async (key) => {
    const lock = locks.lock(key, { ttl: 30_000 });
    await lock.acquire();
    await lock.release();
  };
}

async function barePair(client) {
  const sha = await client.scriptLoad(RELEASE);
  return async (key) => {
    const owner = randomBytes(16).toString('hex');
    const lock = `lock:${key}`;
    await client.set(lock, owner, { NX: true, PX: 30_000 });
    await client.evalSha(sha, { keys: [lock], arguments: [owner] });
  };
}
