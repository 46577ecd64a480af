import { setTimeout as sleep } from 'node:timers/promises';
import { fillNode } from './contenders.mjs';
import { HELD_MS, watchLoop } from './event-loop.mjs';
import { systemClock } from './library.mjs';
import { keysOf, small } from './workload.mjs';

export const name = 'clear';
export const title =
  'clear of 1,000,000 entries and sweep of 1,000,000 expired ones: how long the loop is held';

const HOUR_MS = 3_600_000;
const POLL_MS = 100;
const LONGEST_MS = 300_000;

/** @param {import('./harness.mjs').Bench} bench */
export async function run(bench) {
  await reportIdle(bench);
  await reportClear(bench);
  await reportSweep(bench);
}

async function reportIdle(bench) {
  const idle = await watchLoop(() => sleep(2000));
  bench.report({ title: 'the loop without work', rows: delays(idle) });
}

async function reportClear(bench) {
  const entries = bench.scale(1_000_000);
  const opened = await bench.workshop.node();
  await fillNode(opened, keysOf(entries), small.make);
  const call = await watchLoop(() => opened.cache.clear());
  const sweep = await watchLoop(() => untilGone(opened.node));
  bench.report({
    title: `clear of ${entries.toLocaleString('en-US')} entries`,
    rows: [
      { what: 'await cache.clear()', value: call.ms, unit: 'ms', atMost: HELD_MS },
      { what: 'until all rows are swept', value: sweep.ms / 1000, unit: 's' },
      { what: 'rows swept in a second', value: entries / (sweep.ms / 1000), unit: 'rows' },
      ...delays(sweep, HELD_MS),
    ],
  });
  await opened.node.close();
}

async function reportSweep(bench) {
  const entries = bench.scale(1_000_000);
  const clock = new MovableClock();
  const opened = await bench.workshop.node({}, { clock });
  await fillNode(opened, keysOf(entries), small.make, { ttl: HOUR_MS });
  clock.move(2 * HOUR_MS);
  const sweep = await watchLoop(() => untilGone(opened.node));
  bench.report({
    title: `sweep of ${entries.toLocaleString('en-US')} expired entries`,
    rows: [
      { what: 'until all rows are swept', value: sweep.ms / 1000, unit: 's' },
      { what: 'rows swept in a second', value: entries / (sweep.ms / 1000), unit: 'rows' },
      ...delays(sweep, HELD_MS),
    ],
  });
  await opened.node.close();
}

function delays({ p50, p99, max }, atMost) {
  return [
    { what: 'loop delay, p50', value: p50, unit: 'ms' },
    { what: 'loop delay, p99', value: p99, unit: 'ms', atMost },
    { what: 'loop delay, longest', value: max, unit: 'ms' },
  ];
}

async function untilGone(node) {
  const end = performance.now() + LONGEST_MS;
  while ((await node.stats()).l2.entries > 0) {
    if (performance.now() > end) throw new Error('The sweep has not come to its end.');
    await sleep(POLL_MS);
  }
}

/** The machine's clock, set forward. */
class MovableClock {
  #offset = 0;

  move(ms) {
    this.#offset += ms;
  }

  now() {
    return systemClock.now() + this.#offset;
  }

  coarseNow() {
    return systemClock.coarseNow() + this.#offset;
  }

  uptime() {
    return systemClock.uptime() + this.#offset;
  }

  monotonic() {
    return systemClock.monotonic() + this.#offset;
  }
}
