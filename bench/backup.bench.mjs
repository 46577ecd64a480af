import { rmSync } from 'node:fs';
import { fillNode } from './contenders.mjs';
import { HELD_MS, watchLoop } from './event-loop.mjs';
import { keysOf, small } from './workload.mjs';

export const name = 'backup';
export const title = 'backup of 500,000 entries under writes: how long the loop is held';

/** @param {import('./harness.mjs').Bench} bench */
export async function run(bench) {
  const entries = bench.scale(500_000);
  const opened = await bench.workshop.node();
  const keys = keysOf(entries);
  await fillNode(opened, keys, small.make);
  const quiet = await watchLoop(() => backUp(opened));
  const busy = await watchLoop(() => backUp(opened, keys));
  bench.report({
    title: `backup of ${entries.toLocaleString('en-US')} entries`,
    rows: [
      { what: 'MB', value: quiet.result.bytes / 1e6, unit: 'MB' },
      ...delays('', quiet),
      ...delays(', with a set every millisecond', busy),
    ],
  });
  await opened.node.close();
}

async function backUp({ node, cache, sqlitePath }, keys) {
  const path = `${sqlitePath}.backup`;
  let isOver = false;
  let i = 0;
  const writes = setInterval(() => {
    if (keys !== undefined && !isOver) void cache.set(keys[i++ % keys.length], { n: i });
  }, 1);
  try {
    return await node.backup(path);
  } finally {
    isOver = true;
    clearInterval(writes);
    rmSync(path, { force: true });
  }
}

function delays(when, { ms, p99, max }) {
  return [
    { what: `until it is there${when}`, value: ms / 1000, unit: 's' },
    { what: `loop delay, p99${when}`, value: p99, unit: 'ms', atMost: HELD_MS },
    { what: `loop delay, longest${when}`, value: max, unit: 'ms' },
  ];
}
