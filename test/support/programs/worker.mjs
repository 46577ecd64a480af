// One of several workers on one file: mixed operations for a time, with everything noted that the parent judges by.
import { openSync, writeSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { HyperCache } from '../../../dist/nest/hyper-cache.service.js';
import { openNode } from './open-node.mjs';
import { config, monotonicMs, serveParent } from './parent.mjs';

const { name, plan, log } = config;
const node = await openNode();
const cache = new HyperCache(node, node.cache('default'));
const file = openSync(log, 'a');
const note = (record) => void writeSync(file, `${JSON.stringify(record)}\n`);

const keys = Array.from({ length: plan.keys }, (_, i) => `shared-${i}`);
const counters = Array.from({ length: plan.counters }, (_, i) => `count-${i}`);
/** By key: what was last read of it, and when that was. */
const seen = new Map();
const performed = {};
const codes = {};
let writes = 0;

async function read(key) {
  const at = monotonicMs();
  const value = await cache.get(key);
  const id = value?.id ?? '';
  const last = seen.get(key);
  if (last !== undefined && last.id !== id) note(['read', key, last.id, last.at]);
  seen.set(key, { id, at });
}

async function write(key) {
  const id = `${name}-${++writes}`;
  const revision = await node.cache('default').set(key, { id, filler: 'x'.repeat(100) });
  note(['write', key, id, revision, monotonicMs()]);
}

async function increment(key) {
  note(['try', key]);
  await cache.increment(key);
  note(['done', key]);
}

async function underLock() {
  await cache.lock('lock', { ttl: 10_000, wait: 30_000 }).run(async () => {
    const before = (await cache.get('locked')) ?? 0;
    note(['try', 'locked']);
    await cache.set('locked', before + 1);
    note(['done', 'locked']);
  });
}

async function wrapped(i) {
  await cache.wrap(`wrapped-${i % 20}`, () => ({ by: name }), 50);
}

let random = plan.seed;
const next = (below) => {
  random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((random / 2 ** 32) * below);
};
function counted(kind, operation) {
  performed[kind] = (performed[kind] ?? 0) + 1;
  return operation;
}

async function act() {
  const dice = next(100);
  const key = keys[next(keys.length)];
  if (dice < 70) return counted('get', read(key));
  if (dice < 82) return counted('set', write(key));
  if (dice < 92) return counted('increment', increment(counters[next(counters.length)]));
  if (dice < 96) return counted('wrap', wrapped(next(1000)));
  if (dice < 98) {
    const own = `own-${name}-${next(1000)}`;
    return counted(
      'own',
      cache.add(own, 1).then((isNew) => (isNew ? undefined : cache.del(own))),
    );
  }
  return counted('lock', underLock());
}

async function work(until) {
  while (monotonicMs() < until) {
    try {
      await act();
    } catch (error) {
      const code = error.code ?? error.message;
      codes[code] = (codes[code] ?? 0) + 1;
    }
    // As a server does: other things happen between two requests.
    if (next(10) === 0) await new Promise(setImmediate);
  }
}

async function run(ms) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const until = monotonicMs() + ms;
  await Promise.all(Array.from({ length: plan.concurrency }, () => work(until)));
  delay.disable();
  for (const [key, { id, at }] of seen) note(['read', key, id, at]);
  return { performed, codes, stallMs: delay.max / 1e6, stallP99Ms: delay.percentile(99) / 1e6 };
}

serveParent({ cache, node, process: { run } }, () => node.close());
