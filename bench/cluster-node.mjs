// A node of the cluster that is measured, in a process of its own: a Nest application on Fastify that does what its
// parent asks for.
import 'reflect-metadata';
import { createServer, request, Agent } from 'node:http';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { dist } from './library.mjs';
import { percentile } from './harness.mjs';
import { generator, keysOf, small } from './workload.mjs';

const { HyperCache, HyperCacheModule } = await import(new URL('index.js', dist).href);

const options = JSON.parse(process.argv[2]);
// This process ends with its parent, even if the parent is killed.
process.once('disconnect', () => process.exit());
class AppModule {}
const app = await NestFactory.create(
  { module: AppModule, imports: [HyperCacheModule.forRoot({ ...options, logger: false })] },
  new FastifyAdapter(),
  { logger: ['error'] },
);
await app.listen(0, '127.0.0.1');
const cache = app.get(HyperCache);

let histogram;
let bare;
let values = 0;
const nextValue = () => {
  const value = small.make(values % 1000);
  small.stamp(value, ++values);
  return value;
};

/** Runs `one` the given number of times, a given number of them at a time. */
async function inFlight(count, total, one) {
  let begun = 0;
  const start = performance.now();
  await Promise.all(
    Array.from({ length: count }, async (_, worker) => {
      while (begun < total) await one(begun++, worker);
    }),
  );
  return (total / (performance.now() - start)) * 1000;
}

async function timesOf(total, one) {
  const times = [];
  for (let i = 0; i < total; i++) {
    const start = performance.now();
    await one(i);
    times.push(performance.now() - start);
  }
  return percentile(times, 0.5);
}

/** All processes of the machine share this clock. */
const monotonicMs = () => Number(process.hrtime.bigint()) / 1e6;

function countersOf({ caches }) {
  const { l1Hits, l2Hits, misses } = caches.default;
  return { l1Hits, all: l1Hits + l2Hits + misses };
}

const agent = new Agent({ keepAlive: true });
const post = (port, body) =>
  new Promise((resolve, reject) => {
    const sent = request(
      {
        port,
        host: '127.0.0.1',
        method: 'POST',
        path: '/',
        agent,
        headers: { 'content-length': body.length },
      },
      (answer) => {
        answer.on('data', () => undefined).on('end', resolve);
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });

/** Longer than any flush takes. */
const FLUSH_MS = 60_000;

/** Keys are used with a stride, so that two in a row are not neighbors in the file. */
const STRIDE = 7919;
let keysInTurn;
let turn = 0;
const nextKey = () => keysInTurn[(turn += STRIDE) % keysInTurn.length];

const rounds = {
  get: () => cache.get(nextKey()),
  set: () => cache.set(nextKey(), nextValue()),
  increment: () => cache.increment(`n:${nextKey()}`),
  // Each key is hit far less often than the limit within the ttl, so nothing is blocked.
  throttle: () => cache.throttle(nextKey(), { limit: 100, ttl: 1000, blockDuration: 0 }),
  throttleBlocked: () => cache.throttle(nextKey(), { limit: 0, ttl: 60_000, name: 'none' }),
  async lockPair() {
    const lock = cache.lock(nextKey(), { ttl: 30_000 });
    if (!(await lock.acquire())) throw new Error('The lock is held.');
    if (!(await lock.release())) throw new Error('The lock was lost.');
  },
};

const operations = {
  url: () => app.getUrl(),
  stats: () => cache.stats(),
  async fill(entries) {
    const keys = keysOf(entries);
    for (let i = 0; i < keys.length; i += 2000) {
      await cache.mset(
        keys.slice(i, i + 2000).map((key, n) => ({ key, value: small.make(i + n) })),
      );
    }
  },
  /** Sets an entry that is stale at once, and kept. */
  async keepForGrace() {
    await cache.set('origin', { price: 42 }, { ttl: 1, grace: 3_600_000 });
  },
  async untilKept() {
    while ((await cache.getEntry('origin', { stale: true })) === undefined) await sleep(10);
  },
  /** Asks at a fixed rate for a value whose origin is down. */
  async askWhileDown(rate, seconds) {
    const told = { requests: 0, failed: 0, calls: 0 };
    const origin = async () => {
      told.calls++;
      await sleep(20);
      throw new Error('The origin is down.');
    };
    const policy = { ttl: 1000, grace: 3_600_000, softTimeout: 100 };
    const running = [];
    const start = performance.now();
    const total = Math.round(rate * seconds);
    while (told.requests < total) {
      const due = Math.min(total, Math.floor(((performance.now() - start) / 1000) * rate));
      for (; told.requests < due; told.requests++) {
        running.push(cache.wrap('origin', origin, policy).catch(() => told.failed++));
      }
      await sleep(1);
    }
    await Promise.all(running);
    return told;
  },
  /** Sets at a fixed rate, whether or not the earlier ones are done; one in twenty carries the time. */
  async drive(rate, seconds, entries) {
    const keys = keysOf(entries);
    const running = new Set();
    const start = performance.now();
    const total = rate * seconds;
    let sent = 0;
    while (sent < total) {
      const due = Math.min(total, Math.floor(((performance.now() - start) / 1000) * rate));
      for (; sent < due; sent++) {
        const isProbe = sent % 20 === 0;
        const write = isProbe
          ? cache.set('probe', { n: sent, at: performance.timeOrigin + performance.now() })
          : cache.set(keys[sent % keys.length], nextValue());
        running.add(write);
        write.finally(() => running.delete(write));
      }
      await sleep(1);
    }
    await Promise.all(running);
  },
  /** Reads the time that the other node has written, every millisecond; its age is the lag. */
  async probe(seconds) {
    const lags = [];
    let seen = -1;
    const until = performance.now() + seconds * 1000;
    while (performance.now() < until) {
      const found = await cache.get('probe');
      if (found !== undefined && found.n !== seen) {
        seen = found.n;
        lags.push(performance.timeOrigin + performance.now() - found.at);
      }
      await sleep(1);
    }
    return { p50: percentile(lags, 0.5), p99: percentile(lags, 0.99), samples: lags.length };
  },
  flush: () => cache.flush(FLUSH_MS),
  /** Sets a key to 1, 2 and so on, after random pauses; returns when each `await set` had ended, on the machine's clock. */
  async setTimes(key, count, pauseMs) {
    const random = generator();
    const times = [];
    while (times.length < count) {
      await sleep(1 + random() * 2 * (pauseMs - 1));
      await cache.set(key, times.length + 1);
      times.push(monotonicMs());
    }
    return times;
  },
  /**
   * Reads a key until it is `last`; returns when each value was first seen. It reads once a millisecond, or without a
   * pause if it must hold the turns of the event loop.
   */
  async seenTimes(key, last, turnMs) {
    const reads = countersOf(await cache.stats());
    const times = [];
    while (times.length < last) {
      const turnEnds = monotonicMs() + turnMs;
      do {
        const found = (await cache.get(key)) ?? 0;
        const now = monotonicMs();
        while (times.length < found) times.push(now);
      } while (times.length < last && monotonicMs() < turnEnds);
      await (turnMs > 0 ? nextTurn() : sleep(1));
    }
    const { l1Hits, all } = countersOf(await cache.stats());
    return { seenAt: times, fromMemory: (l1Hits - reads.l1Hits) / (all - reads.all) };
  },
  async reached(revision) {
    while ((await cache.stats()).revision < revision) await sleep(2);
  },
  watch() {
    histogram = monitorEventLoopDelay({ resolution: 1 });
    histogram.enable();
  },
  watched() {
    histogram.disable();
    return { p99: histogram.percentile(99) / 1e6, max: histogram.max / 1e6 };
  },
  /** Nanoseconds of one `await cache.get(key)`. */
  async gets(entries, total) {
    const keys = keysOf(entries);
    const start = performance.now();
    for (let i = 0; i < total; i++) await cache.get(keys[(i * 7919) % keys.length]);
    return ((performance.now() - start) / total) * 1e6;
  },
  /** Runs operations of one kind, a given number of them at a time. */
  async rounds(kind, inFlightNow, total, entries) {
    if (keysInTurn?.length !== entries) keysInTurn = keysOf(entries);
    await inFlight(inFlightNow, total, rounds[kind]);
  },
  sets: (total) => timesOf(total, (i) => cache.set(`k${i % 1000}`, nextValue())),
  setsInFlight: (count, total) =>
    inFlight(count, total, (i) => cache.set(`k${i % 10_000}`, nextValue())),
  lockPairs: (count, total) =>
    inFlight(count, total, async (_i, worker) => {
      const lock = cache.lock(`lock ${worker}`, { ttl: 10_000 });
      await lock.acquire();
      await lock.release();
    }),
  async bareServer() {
    bare = createServer((incoming, answer) => {
      incoming.on('data', () => undefined).on('end', () => answer.end('done'));
    });
    await new Promise((resolve) => bare.listen(0, '127.0.0.1', resolve));
    return bare.address().port;
  },
  barePosts: (port, total) => timesOf(total, () => post(port, Buffer.alloc(200))),
  async close() {
    bare?.close();
    agent.destroy();
    await app.close();
  },
};

process.on('message', async ({ id, name, args }) => {
  try {
    const value = await operations[name](...args);
    process.send({ id, value });
  } catch (error) {
    process.send({ id, error: String(error?.stack ?? error) });
  }
  if (name === 'close') process.disconnect();
});
await nextTurn();
process.send({ id: 0, value: await app.getUrl() });
