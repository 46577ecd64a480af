import { expectValue, fillDatabase, fillNode, fillPeer } from './contenders.mjs';
import { captureValue, decodeValue, encodeValue } from './library.mjs';
import { loop } from './loop.mjs';
import { NAMES, openBentoSqlite, openKeyvRedis, openKeyvSqlite } from './peers.mjs';
import { openRedis } from './redis.mjs';
import { keysOf, large, shuffled, small } from './workload.mjs';

export const name = 'l2-hit';
export const title =
  'a hit in the file: await cache.get(key) with the memory layer off, random keys';

const OURS = 'HyperCache';
const CODEC_ROWS = "better-sqlite3 + HyperCache's codec";
const IN_FLIGHT = 64;

/** @param {import('./harness.mjs').Bench} bench */
export async function run(bench) {
  await compare(bench, small, bench.scale(100_000), ['l2-raw', 'l2-redis', 'l2-sqlite']);
  await compare(bench, large, bench.scale(20_000), ['l2-raw-large']);
  await compareInFlight(bench, bench.scale(100_000));
}

async function compare(bench, kind, entries, [raw, redis, sqlite]) {
  await bench.compare({
    title: `${kind.name}, ${entries.toLocaleString('en-US')} entries`,
    id: kind === small ? 'small' : 'large',
    unit: 'get',
    contenders: () => contendersOf(bench, kind, keysOf(entries)),
    targets: [
      { of: OURS, to: NAMES.raw, id: raw },
      { of: OURS, to: CODEC_ROWS },
      { of: OURS, to: NAMES.keyvRedis, id: redis },
      { of: OURS, to: NAMES.keyvSqlite, id: sqlite },
      { of: OURS, to: NAMES.bentoSqlite },
    ],
  });
}

async function contendersOf({ workshop }, kind, keys) {
  const order = shuffled(keys);
  const wanted = kind.make(7);
  const reader = { call: 'await cache.get(key)', keys: order };

  const json = workshop.database();
  fillDatabase(json, keys, kind.make);
  expectValue(JSON.parse(json.select.get(keys[7])), wanted);

  const coded = workshop.database();
  fillDatabase(coded, keys, kind.make, (value) => encodeValue(captureValue(value, 2 ** 23)));
  expectValue(decodeValue(coded.select.get(keys[7])), wanted);

  return [
    { name: OURS, run: loop({ ...reader, scope: { cache: await ours(workshop, kind, keys) } }) },
    {
      name: NAMES.raw,
      run: loop({
        call: 'JSON.parse(select.get(key))',
        scope: { select: json.select },
        keys: order,
      }),
    },
    {
      name: CODEC_ROWS,
      run: loop({
        call: 'decode(select.get(key))',
        scope: { select: coded.select, decode: decodeValue },
        keys: order,
      }),
    },
    ...(await peers(workshop, kind, keys)).map(([label, cache]) => ({
      name: label,
      run: loop({ ...reader, scope: { cache } }),
    })),
  ];
}

async function compareInFlight(bench, entries) {
  const { workshop } = bench;
  await bench.compare({
    title: `150 B, ${entries.toLocaleString('en-US')} entries, ${IN_FLIGHT} in flight`,
    id: 'many',
    unit: 'get',
    contenders: async () => {
      const keys = keysOf(entries);
      const caches = [
        [OURS, await ours(workshop, small, keys)],
        ...(await peers(workshop, small, keys)),
      ];
      return caches.map(([label, cache]) => ({
        name: label,
        run: loop({
          call: 'await cache.get(key)',
          scope: { cache },
          keys: shuffled(keys),
          inFlight: IN_FLIGHT,
        }),
      }));
    },
    targets: [{ of: OURS, to: NAMES.keyvRedis, id: 'l2-redis-many' }],
  });
}

async function ours(workshop, kind, keys) {
  const opened = await workshop.node({ l1: false });
  await fillNode(opened, keys, kind.make);
  expectValue(await opened.cache.get(keys[7]), kind.make(7));
  return opened.cache;
}

/** Those that are installed, filled. The memory of bentocache holds one entry: it cannot be turned off. */
async function peers(workshop, kind, keys) {
  const server = await openRedis(workshop);
  const opened = [
    [NAMES.keyvRedis, await openKeyvRedis(workshop, server)],
    [NAMES.keyvSqlite, await openKeyvSqlite(workshop)],
    [NAMES.bentoSqlite, await openBentoSqlite(workshop, 1)],
  ].filter(([, cache]) => cache !== undefined);
  for (const [, cache] of opened) {
    await fillPeer(cache, keys, kind.make);
    expectValue(await cache.get(keys[7]), kind.make(7));
  }
  return opened;
}
