// A primary and a secondary under load in one process, in which operations on files and callbacks of the application fail, one at a
// time. Prints, as JSON, what came of each: the process must go on, and so must the nodes.
import fs from 'node:fs';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { createNode } from '../../../dist/node/create-node.js';
import { resolveOptions } from '../../../dist/node/resolve-options.js';

const Database = createRequire(import.meta.url)('better-sqlite3');
const { places, every } = JSON.parse(process.argv[2]);
const events = [];
for (const name of ['unhandledRejection', 'uncaughtException']) {
  process.on(name, (error) => events.push(`${name}: ${String(error?.stack ?? error)}`));
}

/** Counts operations; the one that is due fails, once. */
const trap = { place: '', due: 0, seen: 0, hits: 0 };
function pass(place, code) {
  if (trap.place !== place || ++trap.seen !== trap.due) return;
  trap.hits++;
  throw Object.assign(new Error(`sabotaged: ${place}`), { code });
}

const FILE_CODES = { sql: 'SQLITE_IOERR_WRITE', full: 'SQLITE_FULL', busy: 'SQLITE_BUSY' };
const Statement = Object.getPrototypeOf(new Database(':memory:').prepare('SELECT 1'));
for (const [prototype, names] of [
  [Statement, ['run', 'get', 'all', 'iterate']],
  [Database.prototype, ['exec']],
]) {
  for (const name of names) {
    const original = prototype[name];
    prototype[name] = function (...args) {
      for (const [place, code] of Object.entries(FILE_CODES)) pass(place, code);
      return original.apply(this, args);
    };
  }
}
for (const name of [
  'statSync',
  'readdirSync',
  'renameSync',
  'rmSync',
  'mkdirSync',
  'openSync',
  'existsSync',
  'utimesSync',
  'writeFileSync',
]) {
  const original = fs[name];
  fs[name] = (...args) => {
    if (String(args[0]).includes('sabotaged-')) pass('fs', 'EIO');
    return original(...args);
  };
}
syncBuiltinESMExports();

// Its lines are few: it always fails.
const logger = {};
for (const level of ['log', 'warn', 'error'])
  logger[level] = () => {
    throw new Error('sabotaged: logger');
  };
const TOKEN = '5a0b1d9e7c83f2644d0f6b7a9e21c8d3';

function streamOf(open, signal) {
  const sink = new PassThrough().on('error', () => undefined);
  open(sink);
  signal.addEventListener('abort', () => sink.destroy());
  return sink;
}

function clientOf({ sync }) {
  return {
    url: 'http://direct',
    exchange: async (request) => sync.exchange(request),
    feed: async (request, signal) => streamOf((sink) => sync.feed(request, sink), signal),
    wait: async (request, signal) => streamOf((sink) => sync.wait(request, sink), signal),
    supersede: async (request) => sync.supersede(request),
    close: () => undefined,
  };
}

async function until(done, timeoutMs = 10_000) {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    let last;
    try {
      last = await done();
    } catch (error) {
      last = error;
    }
    if (last === true) return undefined;
    if (performance.now() > deadline) return String(last?.stack ?? last);
    await delay(5);
  }
}

async function round(place, due) {
  const directory = fs.mkdtempSync(join(tmpdir(), 'sabotaged-'));
  const shared = {
    apiToken: TOKEN,
    logger,
    sweepInterval: 20,
    checkpoints: 'inline',
    timeout: 1000,
  };
  const open = (options, environment = {}) =>
    createNode(resolveOptions({ ...shared, ...options }, {}), environment);
  const primary = open({ sqlitePath: join(directory, 'p'), maxSize: 1 << 22 });
  await primary.start();
  const secondary = open(
    { sqlitePath: join(directory, 's'), role: 'secondary', primaryUrl: 'http://direct' },
    { primaryClient: () => clientOf(primary) },
  );
  await secondary.start();
  const nodes = [primary, secondary];
  for (const node of nodes) {
    for (const event of ['hit', 'miss', 'set', 'del', 'clear', 'evicted', 'error'])
      node.on(event, () => pass('listener'));
  }
  Object.assign(trap, { place, due, seen: 0, hits: 0 });
  const load = nodes.map(async (node) => {
    const cache = node.cache('default');
    for (let i = 0; i < 60; i++) {
      const key = `k${i % 7}`;
      const options = { ttl: i % 3 === 0 ? 5 : 60_000, tags: ['t'] };
      await Promise.allSettled([
        cache.set(key, { i, text: 'x'.repeat(2000) }, options),
        cache.get(key),
        cache.mset([{ key: `m${i}`, value: i }]),
        cache.increment('n', 1),
        (async () =>
          cache.wrap(`w${i % 4}`, () => (pass('factory'), i), {
            ttl: () => (pass('ttl'), 5),
            refreshThreshold: 100,
            onStored: () => pass('onStored'),
            onRefreshed: () => pass('onRefreshed'),
          }))(),
        cache.delete(`k${(i + 3) % 7}`),
        node.locks.lock('l', { ttl: 1000 }).run(() => pass('locked')),
        i % 20 === 0 ? cache.deleteTag('t') : undefined,
        i % 25 === 0 ? cache.clear() : undefined,
      ]);
    }
  });
  await Promise.all(load);
  const { seen, hits } = trap;
  trap.place = '';
  const failures = [];
  for (const [name, node] of Object.entries({ primary, secondary })) {
    const stuck = await until(async () => {
      await node.cache('default').set(`after ${name}`, due);
      return (await node.cache('default').get(`after ${name}`)) === due;
    });
    if (stuck) failures.push(`${name} writes no more: ${stuck}`);
  }
  const behind = await until(
    async () =>
      (await secondary.cache('default').get('after primary')) === due &&
      (await primary.cache('default').get('after secondary')) === due,
  );
  if (behind) failures.push(`the two do not follow each other: ${behind}`);
  for (const node of nodes.toReversed())
    await node.close().catch((error) => failures.push(`close: ${error.stack}`));
  await delay(1);
  failures.push(...events.splice(0));
  fs.rmSync(directory, { recursive: true, force: true });
  return { seen, hits, failures };
}

// The nodes keep no process alive.
const alive = setInterval(() => undefined, 1000);
const found = [];
const ran = {};
async function runAll() {
  for (const place of places) {
    const { seen } = await round(place, Infinity);
    const step = Math.max(1, Math.ceil(seen / every));
    ran[place] = { seen, hits: 0 };
    for (let due = 1; due <= seen; due += step) {
      const { hits, failures } = await round(place, due);
      ran[place].hits += hits;
      for (const failure of failures) found.push({ place, due, failure });
    }
  }
}
await runAll().catch((error) =>
  found.push({ place: 'the program', due: 0, failure: String(error?.stack ?? error) }),
);
clearInterval(alive);
console.log(JSON.stringify({ ran, found }));
