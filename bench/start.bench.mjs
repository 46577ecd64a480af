import { statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { fillNode } from './contenders.mjs';
import { median } from './harness.mjs';
import { keysOf, small } from './workload.mjs';

export const name = 'start';
export const title = 'from nothing to the first hit, on files that are there';

/** @param {import('./harness.mjs').Bench} bench */
export async function run(bench) {
  const { workshop, options } = bench;
  const sizes = [1000, bench.scale(1_000_000)];
  const files = new Map();
  for (const size of sizes) {
    const opened = await workshop.node();
    await fillNode(opened, keysOf(size), small.make);
    await opened.node.close();
    files.set(size, opened.sqlitePath);
  }
  const key = keysOf(8)[7];
  const ours = new Map(sizes.map((size) => [size, []]));
  const raw = new Map(sizes.map((size) => [size, []]));
  for (let round = 0; round < options.rounds; round++) {
    for (const [size, sqlitePath] of files) {
      const begun = performance.now();
      const { cache, node } = await workshop.node({}, {}, sqlitePath);
      if ((await cache.get(key)) === undefined) throw new Error('The entry is gone.');
      ours.get(size).push(performance.now() - begun);
      await node.close();
      raw.get(size).push(rawStart(join(sqlitePath, 'hypercache.sqlite')));
    }
  }
  bench.report({
    title: 'until the first hit, median',
    rows: sizes.flatMap((size) => [
      { what: `HyperCache, ${grouped(size)} entries`, value: median(ours.get(size)), unit: 'ms' },
      {
        what: `better-sqlite3, the same file, ${grouped(size)} entries`,
        value: median(raw.get(size)),
        unit: 'ms',
      },
      {
        what: `the file, ${grouped(size)} entries`,
        value: statSync(join(files.get(size), 'hypercache.sqlite')).size / 2 ** 20,
        unit: 'MiB',
      },
    ]),
  });
}

/** Opens, and reads one row, in ms. */
function rawStart(file) {
  const begun = performance.now();
  const database = new Database(file);
  database.prepare('SELECT value FROM entries LIMIT 1').get();
  const ms = performance.now() - begun;
  database.close();
  return ms;
}

function grouped(number) {
  return number.toLocaleString('en-US');
}
