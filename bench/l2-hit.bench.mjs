import { expectValue, fillDatabase, fillNode } from './contenders.mjs';
import { captureValue, decodeValue, encodeValue } from './library.mjs';
import { loop } from './loop.mjs';
import { keysOf, large, shuffled, small } from './workload.mjs';

export const name = 'l2-hit';
export const title =
  'a hit in the file: await cache.get(key) with the memory layer off, random keys';

const OURS = 'HyperCache';
const JSON_ROWS = 'better-sqlite3, get + JSON.parse';
const CODEC_ROWS = "better-sqlite3, get + HyperCache's codec";

/** @param {import('./harness.mjs').Bench} bench */
export async function run(bench) {
  await compare(bench, small, bench.scale(100_000), 0.7);
  await compare(bench, large, bench.scale(20_000), 0.7);
}

async function compare(bench, kind, entries, atLeast) {
  await bench.compare({
    title: `${kind.name}, ${entries.toLocaleString('en-US')} entries`,
    unit: 'get',
    contenders: () => contendersOf(bench, kind, keysOf(entries)),
    targets: [
      { of: OURS, to: JSON_ROWS, atLeast },
      { of: OURS, to: CODEC_ROWS },
    ],
  });
}

async function contendersOf({ workshop }, kind, keys) {
  const order = shuffled(keys);
  const wanted = kind.make(7);

  const { own, node, cache } = await workshop.node({ l1: false });
  await fillNode({ own, node }, keys, kind.make);
  expectValue(await cache.get(keys[7]), wanted);

  const json = workshop.database();
  fillDatabase(json, keys, kind.make);
  expectValue(JSON.parse(json.select.get(keys[7])), wanted);

  const coded = workshop.database();
  fillDatabase(coded, keys, kind.make, (value) => encodeValue(captureValue(value, 2 ** 23)));
  expectValue(decodeValue(coded.select.get(keys[7])), wanted);

  return [
    { name: OURS, run: loop({ call: 'await cache.get(key)', scope: { cache }, keys: order }) },
    {
      name: JSON_ROWS,
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
  ];
}
