import { expectValue, fillDatabase, fillNode } from './contenders.mjs';
import { median } from './harness.mjs';
import { loop } from './loop.mjs';
import { keysOf, shuffled, small } from './workload.mjs';

export const name = 'growth';
export const title =
  'a hit in the file as the file grows: random keys, 150 B, the memory layer off';

const SIZES = [1000, 100_000, 1_000_000];

/** What the machine's noise may take of a ratio that should be 1. */
const TOLERANCE = 0.95;

/** @param {import('./harness.mjs').Bench} bench */
export async function run(bench) {
  const sizes = SIZES.map((size) => (size > 1000 ? bench.scale(size) : size));
  const times = await bench.compare({
    title: '150 B',
    unit: 'get',
    contenders: async () => {
      const contenders = [];
      for (const size of sizes) contenders.push(...(await contendersOf(bench.workshop, size)));
      return contenders;
    },
  });

  const [first, ...later] = sizes;
  const verdicts = later.flatMap((size) => {
    const names = [oursAt(first), oursAt(size), rawAt(first), rawAt(size)];
    const [ours, oursLater, raw, rawLater] = names.map((label) => times.get(label));
    if (names.some((label) => !times.has(label))) return [];
    const ratioOf = (summary) =>
      summary(rawLater) / summary(raw) / (summary(oursLater) / summary(ours));
    const finding = {
      what: `growth of raw to HyperCache's, ${grouped(first)} to ${grouped(size)} entries`,
      ratio: ratioOf(median),
      best: ratioOf((rounds) => Math.min(...rounds)),
      ratios: ours.map((_, round) => ratioOf((rounds) => rounds[round])),
      atLeast: TOLERANCE,
    };
    return [bench.judge(finding)];
  });
  bench.printVerdicts(verdicts);
}

async function contendersOf(workshop, size) {
  const keys = keysOf(size);
  const order = shuffled(keys);
  const ours = await workshop.node({ l1: false });
  await fillNode(ours, keys, small.make);
  expectValue(await ours.cache.get(keys[7]), small.make(7));
  const raw = workshop.database();
  fillDatabase(raw, keys, small.make);
  expectValue(JSON.parse(raw.select.get(keys[7])), small.make(7));
  return [
    {
      name: oursAt(size),
      run: loop({ call: 'await cache.get(key)', scope: { cache: ours.cache }, keys: order }),
    },
    {
      name: rawAt(size),
      run: loop({
        call: 'JSON.parse(select.get(key))',
        scope: { select: raw.select },
        keys: order,
      }),
    },
  ];
}

function grouped(number) {
  return number.toLocaleString('en-US');
}

function oursAt(size) {
  return `HyperCache, ${grouped(size)} entries`;
}

function rawAt(size) {
  return `better-sqlite3, get + JSON.parse, ${grouped(size)} entries`;
}
