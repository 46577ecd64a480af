// A node on a server of Redis or Valkey that works without a pause, and notes what nobody has caught.
import { createNode } from '../../../dist/node/create-node.js';
import { resolveOptions } from '../../../dist/node/resolve-options.js';
import { redis } from '../../../dist/redis/index.js';
import { config, serveParent } from './parent.mjs';

const uncaught = [];
for (const event of ['unhandledRejection', 'uncaughtException']) {
  process.on(event, (error) => uncaught.push(`${event}: ${error?.stack ?? error}`));
}

const engine = redis({ url: config.url, timeout: 500, staleBound: 500 });
const node = createNode(resolveOptions({ engine, ttl: 0 }, {}));
await node.start();
const cache = node.cache('n');

const counts = {};
const ending = new AbortController();
let longestTurn = 0;
const count = (code) => (counts[code] = (counts[code] ?? 0) + 1);

function watchTurns(last) {
  const now = performance.now();
  longestTurn = Math.max(longestTurn, now - last);
  if (!ending.signal.aborted) setTimeout(watchTurns, 5, now);
}

async function lockOnce() {
  const lock = node.locks.lock('lock', { ttl: 1000 });
  if (await lock.acquire({ wait: 200 })) await lock.release();
}

async function work(worker) {
  for (let n = 0; !ending.signal.aborted; n++) {
    const key = `key-${worker}-${n % 10}`;
    const calls = [
      () => cache.set(key, n),
      () => cache.set(key, n, { tags: ['tag'] }),
      () => cache.get(key),
      () => cache.wrap(key, () => n),
      () => cache.increment(`count-${worker}`, 1),
      () => cache.delete(key),
      () => cache.deleteTag('tag'),
      () => lockOnce(),
    ];
    try {
      await calls[n % calls.length]();
      count('ok');
    } catch (error) {
      count(error.code ?? String(error));
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

let working = [];
const targets = {
  cache: { get: (key) => cache.get(key) },
  process: {
    begin: () => {
      watchTurns(performance.now());
      working = Array.from({ length: 8 }, (_, worker) => work(worker));
      return true;
    },
    end: async () => {
      ending.abort();
      await Promise.all(working);
      return { uncaught, longestTurn, counts };
    },
    /** A factory that does not end. */
    hold: (key) => {
      cache.wrap(key, () => new Promise(() => undefined)).catch(() => undefined);
      return true;
    },
  },
};

serveParent(targets, () => node.close());
