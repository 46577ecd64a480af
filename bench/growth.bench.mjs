import { createReadStream, statSync } from 'node:fs';
import { join } from 'node:path';
import { expectValue } from './contenders.mjs';
import { median } from './harness.mjs';
import { loop } from './loop.mjs';
import { generator, keyAt, small } from './workload.mjs';

export const name = 'growth';
export const title =
  'a hit in the file as the file grows: random keys, 150 B, the memory layer off';

const SIZES = [1000, 10_000, 100_000, 1_000_000];
/** Only in a full run: filling it takes minutes. */
const LARGEST = 10_000_000;
const FILL_BATCH = 500;
/** Keys that are read, drawn from all. */
const SAMPLE = 200_000;

/** @param {import('./harness.mjs').Bench} bench */
export async function run(bench) {
  const { full, quick } = bench.options;
  const sizes = quick ? [1000, 10_000] : full ? [...SIZES, LARGEST] : SIZES;
  const samples = new Map();
  const rows = [];
  await bench.compare({
    title: '150 B',
    id: 'growth',
    unit: 'get',
    contenders: async () => {
      const contenders = [];
      const files = [];
      for (const size of sizes) contenders.push(...(await contendersOf(bench, size, rows, files)));
      for (const file of files) await readThrough(file);
      return contenders;
    },
    onMeasured: ({ times, latencies }) => {
      for (const [label, all] of times) {
        samples.set(label, { ns: median(all), p50: latencies.get(label).p50 });
      }
    },
  });
  if (samples.size < 2 * sizes.length) return;

  bench.report({ title: 'filling, and what it takes', rows });
  const [first] = sizes;
  const growthOf = (labelAt, figure, size) =>
    samples.get(labelAt(size))[figure] / samples.get(labelAt(first))[figure];
  const last = sizes.at(-1);
  bench.report({
    title: 'growth',
    rows: sizes.slice(1).flatMap((size) => {
      const isLast = size === last;
      return [
        {
          what: `get, p50, at ${grouped(size)} entries to ${grouped(first)}`,
          value: growthOf(oursAt, 'p50', size),
          unit: 'x',
          id: isLast ? 'growth-time' : undefined,
        },
        {
          what: `the same growth to raw's, ${grouped(first)} to ${grouped(size)} entries`,
          value: growthOf(oursAt, 'ns', size) / growthOf(rawAt, 'ns', size),
          unit: 'x',
          id: isLast ? 'growth-raw' : undefined,
        },
      ];
    }),
  });
}

/** Filling the last file pushes the first one out of the system's memory: without this the disk would be measured. */
async function readThrough(file) {
  for await (const chunk of createReadStream(file, { highWaterMark: 2 ** 20 })) void chunk;
}

async function contendersOf({ workshop }, size, rows, files) {
  const random = generator(size);
  const order = Array.from({ length: Math.min(size, SAMPLE) }, () =>
    keyAt(Math.floor(random() * size)),
  );
  const ours = await workshop.node({ l1: false });
  const before = performance.now();
  for (let i = 0; i < size; i += FILL_BATCH) {
    await ours.own.mset(
      Array.from({ length: Math.min(FILL_BATCH, size - i) }, (_, j) => ({
        key: keyAt(i + j),
        value: small.make(i + j),
      })),
    );
  }
  await ours.node.flush();
  const seconds = (performance.now() - before) / 1000;
  expectValue(await ours.cache.get(keyAt(7)), small.make(7));

  const raw = workshop.database();
  for (let i = 0; i < size; i += FILL_BATCH) {
    raw.database.transaction(() => {
      for (let j = i; j < Math.min(size, i + FILL_BATCH); j++) {
        raw.upsert.run(keyAt(j), JSON.stringify(small.make(j)));
      }
    })();
  }
  const ourFile = join(ours.sqlitePath, 'hypercache.sqlite');
  const rawFile = join(raw.path, 'raw.sqlite');
  files.push(ourFile, rawFile);
  const at = `at ${grouped(size)} entries`;
  rows.push(
    { what: `mset of ${FILL_BATCH}, ${at}`, value: size / seconds, unit: 'entries/s' },
    {
      what: `HyperCache's file, ${at}`,
      value: sizeOf(ourFile),
      unit: 'MiB',
    },
    { what: `the raw file, ${at}`, value: sizeOf(rawFile), unit: 'MiB' },
    {
      what: `memory of the process, all files open, ${at}`,
      value: process.memoryUsage().rss / 2 ** 20,
      unit: 'MiB',
    },
  );
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

/** MiB, the write-ahead log included. */
function sizeOf(file) {
  return (bytesOf(file) + bytesOf(`${file}-wal`)) / 2 ** 20;
}

function bytesOf(path) {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function grouped(number) {
  return number.toLocaleString('en-US');
}

function oursAt(size) {
  return `HyperCache, ${grouped(size)} entries`;
}

function rawAt(size) {
  return `better-sqlite3 + JSON, ${grouped(size)} entries`;
}
