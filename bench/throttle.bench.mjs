import { median } from './harness.mjs';
import { startNode } from './remote.mjs';

export const name = 'throttle';
export const title =
  'throttled requests decided, 64 in flight, over 1,000 keys: a primary, a secondary, the flood of a blocked key';

const IN_FLIGHT = 64;
const KEYS = 1000;
const ROUNDS = 7;

/** @param {import('./harness.mjs').Bench} bench */
export async function run(bench) {
  const primary = await startNode(bench.workshop, {});
  const secondary = await startNode(bench.workshop, {
    role: 'secondary',
    primaryUrl: primary.url,
    asyncRequests: false,
  });
  const rows = [
    ['a primary, limit 100', primary, 'throttle', 'throttle-primary'],
    ['a secondary, limit 100', secondary, 'throttle', 'throttle-secondary'],
    ['a primary, keys that are blocked', primary, 'throttleBlocked', undefined],
    ['a secondary, keys that are blocked', secondary, 'throttleBlocked', undefined],
  ];
  const speeds = rows.map(() => []);
  const operations = bench.scale(20_000);
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [i, [, node, kind]] of rows.entries()) {
      const begun = performance.now();
      await node.ask('rounds', kind, IN_FLIGHT, operations, KEYS);
      // The first round warms up.
      if (round > 0) speeds[i].push((operations / (performance.now() - begun)) * 1000);
    }
  }
  bench.report({
    title: 'decisions, 64 in flight',
    rows: rows.map(([what, , , id], i) => ({
      what,
      value: median(speeds[i]),
      unit: 'decisions/s',
      id,
    })),
  });
  await secondary.close();
}
