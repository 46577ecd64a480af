import { strict as assert } from 'node:assert';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { fillNode } from './contenders.mjs';
import { percentile } from './harness.mjs';
import { loop } from './loop.mjs';
import { startNode } from './remote.mjs';
import { keysOf, shuffled, small } from './workload.mjs';

export const name = 'workers';
export const title = 'several processes on one file: what a hit in memory costs, and how old it is';

const NEIGHBOUR = fileURLToPath(new URL('neighbour.mjs', import.meta.url));
/** By then it has written each key, in ms. */
const SEEN_MS = 10_000;

const ALONE = 'alone on the file';
/** Shows what the writes alone take from the machine, without any coherence. */
const ELSEWHERE = 'alone, while a process sets 500 keys a second in another file';
const IDLE = 'beside an idle process';
const WRITING = 'beside one that sets 500 of the keys a second';
const WRITES_PER_SECOND = 500;

const INTERVAL_MS = 10;
/** The sweeper notices processes that have ended. It reads the file, and again what others have written: not too often. */
const SWEEP_MS = 100;
/** The average pause between two writes, in ms: no multiple of the time that readers wait. */
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
        { of: WRITING, to: ELSEWHERE, id: `shared-writing-${isolation}` },
      ],
    });
  }
  await bench.compare({
    title: 'a turn of the event loop with 10 hits in it, copy',
    id: 'turns',
    unit: 'turn',
    contenders: () => hits(bench, 'copy', 'await tenIn(cache, key)'),
    targets: [
      { of: IDLE, to: ALONE },
      { of: WRITING, to: ELSEWHERE },
    ],
  });
  await bench.workshop.scope(() => staleness(bench));
}

/** One node for all, so that its place in memory is the same: two equal nodes differ by a tenth. */
async function hits({ workshop }, isolation, call) {
  const keys = keysOf(1000);
  const intervals = { coherenceInterval: INTERVAL_MS, sweepInterval: SWEEP_MS };
  const own = await workshop.node({ isolation, ...intervals });
  const { cache, sqlitePath } = own;
  await fillNode(own, keys, small.make);
  const tell = await startNeighbour(workshop, sqlitePath, keys.length);
  await expectShared(cache, tell);
  const contender = (label, ...states) => ({
    name: label,
    run: loop({ call, scope: { cache, tenIn }, keys: shuffled(keys) }),
    async prepare() {
      await tell('close', ...states);
      await sleep(2 * SWEEP_MS);
    },
  });
  return [
    contender(ALONE),
    contender(IDLE, 'open'),
    contender(ELSEWHERE, 'openElsewhere', 'write'),
    contender(WRITING, 'open', 'write'),
  ];
}

const HITS_PER_TURN = 10;

async function tenIn(cache, key) {
  await new Promise(setImmediate);
  let found;
  for (let i = 0; i < HITS_PER_TURN; i++) found = await cache.get(key);
  return found;
}

async function startNeighbour(workshop, sqlitePath, keys) {
  const elsewhere = workshop.path();
  const config = { sqlitePath, elsewhere, keys, writesPerSecond: WRITES_PER_SECOND };
  const child = fork(NEIGHBOUR, [JSON.stringify(config)]);
  const exited = once(child, 'exit');
  await Promise.race([once(child, 'message'), exited]);
  const tell = async (...names) => {
    child.send(names);
    const [answer] = await Promise.race([once(child, 'message'), exited]);
    assert.equal(answer, 'done');
  };
  workshop.onClose(async () => {
    await tell('close');
    child.disconnect();
    await exited;
  });
  return tell;
}

/** Fails unless a write of the other process removes the entry from the memory of the measured node. */
async function expectShared(cache, tell) {
  const [key] = keysOf(1);
  const { version } = await cache.get(key);
  await tell('open', 'write');
  const ends = performance.now() + SEEN_MS;
  while ((await cache.get(key)).version === version) {
    assert.ok(performance.now() < ends, 'What the other process writes is not seen.');
    await sleep(1);
  }
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
