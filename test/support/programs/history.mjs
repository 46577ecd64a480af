// Runs random operations on a few keys and locks, and writes down each call and each answer, until it is
// told to stop or is killed.
import { openSync, writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { openNode } from './open-node.mjs';
import { config, monotonicMs } from './parent.mjs';

const { seed, number, prefix, log, readKeys, strictKeys, locks, clients } = config;

const node = await openNode();
const cache = node.cache('default');
const file = openSync(log, 'a');
const stopping = new AbortController();
let operations = 0;

/** Mulberry32. */
function randomFrom(start) {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

// Written before the call and after the answer, past all buffers of this process.
const note = (line) => writeSync(file, `${JSON.stringify(line)}\n`);

async function record(model, key, input, run) {
  const id = `${prefix}${++operations}`;
  note({ id, model, key, input, calledAt: monotonicMs() });
  const output = await run();
  note({ id, output, returnedAt: monotonicMs() });
  return output;
}

/** A value that nobody else writes. */
let values = 0;
const newValue = () => (number * 100_000 + ++values) * 1000;

const entryOperations = {
  get: (key) => [{ op: 'get' }, async () => ({ value: (await cache.get(key)) ?? null })],
  getWithRevision: (key) => [
    { op: 'getWithRevision' },
    async () => {
      const { value = null, revision } = await cache.getWithRevision(key);
      return { value, revision };
    },
  ],
  set: (key) => {
    const value = newValue();
    return [{ op: 'set', value }, async () => ({ revision: await cache.set(key, value) })];
  },
  add: (key) => {
    const value = newValue();
    return [{ op: 'add', value }, async () => ({ done: await cache.add(key, value) })];
  },
  setIf: (key, known) => {
    const value = newValue();
    const revision = known;
    return [
      { op: 'setIf', value, revision },
      async () => {
        const { stored, revision: after } = await cache.setIf(key, value, revision);
        return { done: stored, revision: after };
      },
    ];
  },
  increment: (key, _known, random) => {
    const by = 1 + Math.floor(random() * 3);
    return [{ op: 'increment', by }, async () => ({ value: await cache.increment(key, by) })];
  },
  delete: (key) => [{ op: 'delete' }, async () => ({ done: await cache.delete(key) })],
  pull: (key) => [{ op: 'pull' }, async () => ({ value: (await cache.pull(key)) ?? null })],
  touch: (key) => [{ op: 'touch' }, async () => ({ done: await cache.touch(key, 0) })],
};

/** `get` of this node sees what it has not committed yet (G3): there, one client for each key. */
const READ_OPERATIONS =
  'get get get getWithRevision set set add setIf setIf setIf increment increment delete pull touch'.split(
    ' ',
  );
const STRICT_OPERATIONS = READ_OPERATIONS.map((op) => (op === 'get' ? 'getWithRevision' : op));

async function workOnEntry(key, names, random) {
  let known = 0;
  while (!stopping.signal.aborted) {
    const name = names[Math.floor(random() * names.length)];
    const [input, run] = entryOperations[name](key, known, random);
    const { revision } = await record('entry', key, input, run);
    known = revision ?? known;
    await pause(random, 3);
  }
}

async function workOnLock(name, client, random) {
  for (let round = 0; !stopping.signal.aborted; round++) {
    const owner = `${prefix}-${client}-${round}`;
    // Longer than the wait: nobody loses a lease twice before he notices that he has it.
    const ttl = random() < 0.3 ? 80 + random() * 80 : 400;
    const wait = random() < 0.5 ? 0 : random() * 60;
    const handle = node.locks.lock(name, { ttl, owner });
    const { done } = await record('lease', name, { op: 'acquire', owner, ttl, wait }, async () => {
      const isAcquired = await handle.acquire({ wait });
      return { done: isAcquired, ...(handle.token !== undefined && { token: handle.token }) };
    });
    await pause(random, 5);
    if (done && random() < 0.4) {
      const longer = 20 + random() * 200;
      await record('lease', name, { op: 'extend', owner, ttl: longer }, async () => ({
        done: await handle.extend(longer),
      }));
    }
    if (random() < 0.3) await look(name);
    if (done) await pause(random, random() < 0.1 ? 250 : 5);
    const end = random();
    if (done && end < 0.1) {
      await record('lease', name, { op: 'forceRelease' }, async () => ({
        done: await handle.forceRelease(),
      }));
    } else if (done ? end < 0.9 : end < 0.2) {
      // Those who hold nothing are refused.
      await record('lease', name, { op: 'release', owner }, async () => ({
        done: await handle.release(),
      }));
    }
  }
}

function look(name) {
  return record('lease', name, { op: 'inspect' }, async () => {
    const found = await node.locks.inspect(name);
    return found === undefined
      ? { done: false }
      : { done: true, owner: found.owner, token: found.token };
  });
}

async function pause(random, maxMs) {
  if (random() < 0.5) await delay(random() * maxMs);
}

/** One worker for each name and client. */
function each(names, count, work) {
  return names.flatMap((name, i) =>
    Array.from({ length: count }, (_, client) =>
      work(name, client, randomFrom(seed * 1000 + i * 10 + client)),
    ),
  );
}

process.on('message', async (message) => {
  if (message === 'stop') {
    stopping.abort();
    return;
  }
  await Promise.all([
    ...each(readKeys, 1, (key, _client, random) => workOnEntry(key, READ_OPERATIONS, random)),
    ...each(strictKeys, clients, (key, _client, random) =>
      workOnEntry(key, STRICT_OPERATIONS, random),
    ),
    ...each(locks, clients, workOnLock),
  ]);
  await node.close();
  process.exit(0);
});
process.send('ready');
