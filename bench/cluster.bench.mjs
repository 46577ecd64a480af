import { HELD_MS } from './event-loop.mjs';
import { startNode } from './remote.mjs';

export const name = 'cluster';
export const title = 'a primary and a secondary, each in a process of its own, over loopback';

/** @param {import('./harness.mjs').Bench} bench */
export async function run(bench) {
  const { seconds } = bench.options;
  const primary = await startNode(bench.workshop, {});
  const follow = (more = {}) =>
    startNode(bench.workshop, {
      role: 'secondary',
      primaryUrl: primary.url,
      asyncRequests: false,
      ...more,
    });

  const entries = bench.scale(1_000_000);
  await primary.ask('fill', entries);
  await primary.ask('watch');
  let begun = performance.now();
  const directory = bench.workshop.path();
  let secondary = await follow({ sqlitePath: directory });
  await secondary.ask('reached', (await primary.ask('stats')).revision);
  const taken = performance.now() - begun;
  const held = await primary.ask('watched');
  bench.report({
    title: `a snapshot of ${entries.toLocaleString('en')} entries`,
    rows: [
      {
        what: 'entries a second, process start included',
        value: entries / (taken / 1000),
        unit: 'entries',
        atLeast: 50_000,
      },
      { what: "primary's loop delay, p99", value: held.p99, unit: 'ms', atMost: HELD_MS },
      { what: "primary's loop delay, longest", value: held.max, unit: 'ms' },
    ],
  });

  await secondary.close();
  const changes = bench.scale(80_000);
  await primary.ask('setsInFlight', 256, changes);
  begun = performance.now();
  secondary = await follow({ sqlitePath: directory });
  const connected = performance.now();
  await secondary.ask('reached', (await primary.ask('stats')).revision);
  const { snapshots } = (await secondary.ask('stats')).replica;
  bench.report({
    title: `catching up with ${changes.toLocaleString('en')} changes`,
    rows: [
      {
        what: 'changes a second, process start included',
        value: changes / ((performance.now() - begun) / 1000),
        unit: 'changes',
        atLeast: 15_000,
      },
      { what: 'after the process had started', value: performance.now() - connected, unit: 'ms' },
      { what: 'snapshots taken', value: snapshots, unit: '', atMost: 0 },
    ],
  });

  for (const [rate, atMost] of [
    [2000, 15],
    [10_000, 50],
  ]) {
    const [lag] = await Promise.all([
      secondary.ask('probe', seconds),
      primary.ask('drive', rate, seconds, 10_000),
    ]);
    bench.report({
      title: `from the call of a set on the primary to its get on the secondary, at ${rate.toLocaleString('en')} sets a second`,
      rows: [
        { what: 'lag, p50', value: lag.p50, unit: 'ms' },
        { what: 'lag, p99', value: lag.p99, unit: 'ms', atMost },
      ],
    });
  }

  const ratios = [];
  for (let round = 0; round < 7; round++) {
    const ours = await secondary.ask('gets', 5000, 200_000);
    ratios.push((await primary.ask('gets', 5000, 200_000)) / ours);
  }
  bench.report({
    title: "a secondary's get to the primary's",
    rows: [{ what: 'ratio of speeds, median', value: median(ratios), unit: 'x', atLeast: 0.9 }],
  });

  const port = await primary.ask('bareServer');
  const posts = [];
  for (let round = 0; round < 5; round++) {
    const bare = await secondary.ask('barePosts', port, 500);
    const set = await secondary.ask('sets', 500);
    posts.push({ bare, set, ratio: set / bare });
  }
  bench.report({
    title: 'synchronous writes and locks from the secondary',
    rows: [
      {
        what: 'a bare POST by node:http, p50',
        value: median(posts.map(({ bare }) => bare)),
        unit: 'ms',
      },
      { what: 'set, p50', value: median(posts.map(({ set }) => set)), unit: 'ms' },
      {
        what: 'set to bare POST',
        value: median(posts.map(({ ratio }) => ratio)),
        unit: 'x',
        atMost: 6,
      },
      {
        what: 'sets a second, 256 in flight',
        value: median(await times(5, () => secondary.ask('setsInFlight', 256, 20_000))),
        unit: 'sets',
        atLeast: 20_000,
      },
      {
        what: 'lock pairs a second, 64 in flight',
        value: median(await times(5, () => secondary.ask('lockPairs', 64, 20_000))),
        unit: 'pairs',
        atLeast: 20_000,
      },
    ],
  });
  await secondary.close();
  await primary.close();
}

async function times(count, one) {
  const results = [];
  for (let i = 0; i < count; i++) results.push(await one());
  return results;
}

function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
}
