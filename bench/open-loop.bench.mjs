import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fillDatabase, fillNode } from './contenders.mjs';
import { watchLoop } from './event-loop.mjs';
import { percentile } from './harness.mjs';
import { keysOf, shuffled, small, valuesOf } from './workload.mjs';

export const name = 'open-loop';
export const title =
  '10,000 sets a second, whether or not the earlier ones are done, on 200,000 entries';

const RATE = 10_000;
const WAL_POLL_MS = 20;

const TARGETS = { delayP99: 5, delayMax: 25, setP99: 'set-open-loop', walMiB: 16 };
/** Shorter runs miss the pauses of the collector, and of a log that begins again. */
const FULL_SECONDS = 60;

/** @param {import('./harness.mjs').Bench} bench */
export async function run(bench) {
  const keys = keysOf(bench.scale(200_000));
  const { full, quick, seconds } = bench.options;
  const order = shuffled(keys);
  const load = { keys: order, seconds };

  const driveNode = async (options, driven) => {
    const ours = await bench.workshop.node(options);
    await fillNode(ours, keys, small.make);
    const wal = join(ours.sqlitePath, 'hypercache.sqlite-wal');
    const found = await drive((k, v) => ours.cache.set(k, v), driven, wal);
    await ours.node.close();
    return found;
  };
  const long = { keys: order, seconds: full && !quick ? Math.max(seconds, FULL_SECONDS) : seconds };
  report(bench, `HyperCache, ${long.seconds} s`, await driveNode({}, long), TARGETS);
  report(
    bench,
    "HyperCache, checkpoints: 'inline'",
    await driveNode({ checkpoints: 'inline' }, load),
  );

  const raw = bench.workshop.database();
  fillDatabase(raw, keys, small.make);
  const upsert = async (key, value) => {
    raw.upsert.run(key, JSON.stringify(value));
  };
  const found = await drive(upsert, load, join(raw.path, 'raw.sqlite-wal'));
  report(bench, 'better-sqlite3, autocommit upserts on the same thread', found);
}

function report(bench, label, { watched, sent, late, waits, walBytes }, targets = {}) {
  const { delayP99, delayMax, setP99, walMiB } = targets;
  bench.report({
    title: label,
    rows: [
      { what: 'sets a second', value: sent / (watched.ms / 1000), unit: 'sets' },
      { what: 'loop delay, p50', value: watched.p50, unit: 'ms' },
      { what: 'loop delay, p99', value: watched.p99, unit: 'ms', atMost: delayP99 },
      { what: 'loop delay, longest', value: watched.max, unit: 'ms', atMost: delayMax },
      { what: 'set, from its call, p50', value: percentile(waits, 0.5), unit: 'ms' },
      {
        what: 'set, from its call, p99',
        value: percentile(waits, 0.99),
        unit: 'ms',
        id: setP99,
      },
      { what: 'set, from when it was due, p99', value: percentile(late, 0.99), unit: 'ms' },
      {
        what: 'write-ahead log, largest',
        value: walBytes / 2 ** 20,
        unit: 'MiB',
        atMost: walMiB,
      },
    ],
  });
}

/** Calls `set` when it is due, for some seconds, and waits until all are done. */
async function drive(set, { keys, seconds }, wal) {
  const values = valuesOf(small);
  // The measurement itself keeps little, and leaves little to the collector.
  const total = RATE * seconds;
  const waits = new Float64Array(total);
  const late = new Float64Array(total);
  const progress = { done: 0 };
  let sent = 0;
  let walBytes = 0;
  const poll = setInterval(() => {
    walBytes = Math.max(walBytes, statSync(wal, { throwIfNoEntry: false })?.size ?? 0);
  }, WAL_POLL_MS);

  const one = async (due) => {
    const value = values[sent % values.length];
    small.stamp(value, sent);
    const called = performance.now();
    await set(keys[sent % keys.length], value);
    const now = performance.now();
    waits[progress.done] = now - called;
    late[progress.done] = now - due;
    progress.done++;
  };

  const watched = await watchLoop(async () => {
    const start = performance.now();
    while (sent < total) {
      const due = Math.min(total, Math.floor(((performance.now() - start) / 1000) * RATE));
      for (; sent < due; sent++) void one(start + (sent / RATE) * 1000);
      await sleep(1);
    }
    while (progress.done < total) await sleep(1);
  });
  clearInterval(poll);
  return { watched, sent, late, waits, walBytes };
}
