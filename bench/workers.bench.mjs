import { strict as assert } from 'node:assert';
import { fillNode } from './contenders.mjs';
import { percentile } from './harness.mjs';
import { loop } from './loop.mjs';
import { startNode } from './remote.mjs';
import { keysOf, shuffled, small } from './workload.mjs';

export const name = 'workers';
export const title = 'several processes on one file: what a hit in memory costs, and how old it is';

const ALONE = 'alone on the file';
const IDLE = 'beside an idle process';
const WRITING = 'beside one that sets 500 of the keys a second';
const WRITES_PER_SECOND = 500;

const INTERVAL_MS = 10;
/** Between two writes on average, in ms: no multiple of what the readers wait. */
const PAUSE_MS = 12;
/** How long a reader that awaits nothing but its hits keeps the event loop from its next turn, in ms. */
const LONG_TURN_MS = 50;

/** @param {import('./harness.mjs').Bench} bench */
export async function run(bench) {
  for (const isolation of ['copy', 'share']) {
    await bench.compare({
      title: `a hit in memory, ${isolation}`,
      id: isolation,
      unit: 'get',
      contenders: () => hits(bench, isolation, 'await cache.get(key)'),
      targets: [
        { of: IDLE, to: ALONE, id: `shared-idle-${isolation}` },
        { of: WRITING, to: ALONE, id: `shared-writing-${isolation}` },
      ],
    });
  }
  await bench.compare({
    title: 'a turn of the event loop with 10 hits in it, copy',
    id: 'turns',
    unit: 'turn',
    contenders: () => hits(bench, 'copy', 'await tenIn(cache, key)'),
    targets: [IDLE, WRITING].map((of) => ({ of, to: ALONE })),
  });
  await bench.workshop.scope(() => staleness(bench));
}

/** The same node on three files: nobody else has the first one open. */
async function hits({ workshop }, isolation, call) {
  const keys = keysOf(1000);
  const contenders = [];
  for (const label of [ALONE, IDLE, WRITING]) {
    const own = await workshop.node({ isolation, coherenceInterval: INTERVAL_MS });
    await fillNode(own, keys, small.make);
    if (label !== ALONE) await addNeighbour(workshop, own, label === WRITING ? keys.length : 0);
    contenders.push({
      name: label,
      run: loop({ call, scope: { cache: own.cache, tenIn }, keys: shuffled(keys) }),
    });
  }
  return contenders;
}

const HITS_PER_TURN = 10;

async function tenIn(cache, key) {
  await new Promise(setImmediate);
  let found;
  for (let i = 0; i < HITS_PER_TURN; i++) found = await cache.get(key);
  return found;
}

/** What it writes leaves the memory of the measured node: that is how one sees that both are on one file. */
async function addNeighbour(workshop, { cache, sqlitePath }, keysToWrite) {
  const neighbour = await startNode(workshop, { sqlitePath });
  await cache.set('seen', 0);
  await neighbour.ask('setOne', 'seen', 1);
  assert.equal(await cache.get('seen'), 1);
  if (keysToWrite > 0) await neighbour.ask('keepWriting', WRITES_PER_SECOND, keysToWrite);
}

async function staleness(bench) {
  const { workshop, options } = bench;
  const sqlitePath = workshop.path();
  const [writer, reader] = await Promise.all(
    Array.from({ length: 2 }, () =>
      startNode(workshop, { sqlitePath, coherenceInterval: INTERVAL_MS }),
    ),
  );
  const writes = Math.round((options.seconds * 1000) / PAUSE_MS);
  for (const [label, turnMs, id] of [
    ['that reads it each millisecond', 0, 'staleness'],
    ['that reads it all the time, in long turns', LONG_TURN_MS, 'staleness-long'],
  ]) {
    const key = `read for ${turnMs} ms`;
    const [setAt, { seenAt, fromMemory }] = await Promise.all([
      writer.ask('setTimes', key, writes, PAUSE_MS),
      reader.ask('seenTimes', key, writes, turnMs),
    ]);
    const ages = setAt.map((at, i) => Math.max(0, seenAt[i] - at));
    const p99 = percentile(ages, 0.99);
    bench.report({
      title: `from the end of \`await set\` until it is read by another process ${label}`,
      rows: [
        { what: 'p50', value: percentile(ages, 0.5), unit: 'ms' },
        { what: 'p99', value: p99, unit: 'ms' },
        { what: 'longest', value: Math.max(...ages), unit: 'ms' },
        { what: 'p99 to coherenceInterval', value: p99 / INTERVAL_MS, unit: 'x', id },
        { what: 'sets', value: ages.length, unit: 'sets' },
        { what: 'reads that memory answered', value: fromMemory * 100, unit: '%' },
      ],
    });
  }
}
