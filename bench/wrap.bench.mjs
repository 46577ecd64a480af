import { setTimeout as sleep } from 'node:timers/promises';
import { median, percentile } from './harness.mjs';
import { dist } from './library.mjs';
import { startNode } from './remote.mjs';

export const name = 'wrap';
export const title =
  'wrap while a value is no longer fresh: 1,000 callers at once, and an origin that is down';

const CALLERS = 1000;
const ORIGIN_MS = 50;
const ROUNDS = 9;
/** Rounds before those: a process that serves has compiled what it runs. */
const WARM_UP = 15;

/** The requests a second of three nodes together. */
const RATE = 2000;
/** Long enough for every refresh that has begun, in ms. */
const SETTLED_MS = 3 * ORIGIN_MS;

/** @param {import('./harness.mjs').Bench} bench */
export async function run(bench) {
  await atExpiry(bench);
  await whileDown(bench);
}

/** Latencies of callers that come together when the ttl of the entry has just ended. */
async function atExpiry(bench) {
  const { createNode } = await import(new URL('node/create-node.js', dist).href);
  const { resolveOptions } = await import(new URL('node/resolve-options.js', dist).href);
  const { HyperCache } = await import(new URL('nest/hyper-cache.service.js', dist).href);
  const node = createNode(resolveOptions({ sqlitePath: bench.workshop.path() }, {}), {});
  await node.start();
  bench.workshop.onClose(() => node.close());
  const cache = new HyperCache(node, node.cache('default'));
  const origin = async () => {
    await sleep(ORIGIN_MS);
    return { price: 42 };
  };
  const policies = [
    ['a ttl alone', { ttl: 20 }, undefined],
    ['with stale', { ttl: 20, stale: 60_000 }, 'wrap-stale-p99'],
  ];
  const p99 = policies.map(() => []);
  for (let round = 0; round < WARM_UP + ROUNDS; round++) {
    for (const [i, [, policy]] of policies.entries()) {
      const key = `${i} in round ${round}`;
      await cache.wrap(key, origin, policy);
      await sleep(policy.ttl + 5);
      const times = [];
      await Promise.all(
        Array.from({ length: CALLERS }, async () => {
          const begun = performance.now();
          await cache.wrap(key, origin, policy);
          times.push(performance.now() - begun);
        }),
      );
      if (round >= WARM_UP) p99[i].push(percentile(times, 0.99));
      await sleep(SETTLED_MS);
    }
  }
  bench.report({
    title: `${CALLERS.toLocaleString('en-US')} callers at the moment of expiry, an origin of ${ORIGIN_MS} ms, p99`,
    rows: policies.map(([what, , id], i) => ({ what, value: median(p99[i]), unit: 'ms', id })),
  });
}

/** Three nodes ask for one key whose origin is down, within its grace. */
async function whileDown(bench) {
  const primary = await startNode(bench.workshop, {});
  const secondary = { role: 'secondary', primaryUrl: primary.url };
  const nodes = [
    primary,
    await startNode(bench.workshop, secondary),
    await startNode(bench.workshop, secondary),
  ];
  await primary.ask('keepForGrace');
  await Promise.all(nodes.map((node) => node.ask('untilKept')));
  const { seconds } = bench.options;
  const told = await Promise.all(
    nodes.map((node) => node.ask('askWhileDown', RATE / nodes.length, seconds)),
  );
  const sum = (field) => told.reduce((total, each) => total + each[field], 0);
  bench.report({
    title: `an origin that is down for ${seconds} s, ${RATE.toLocaleString('en-US')} requests a second on three nodes, within grace`,
    rows: [
      { what: 'requests', value: sum('requests'), unit: '' },
      { what: 'of them failed', value: sum('failed'), unit: '', id: 'wrap-down-failed' },
      { what: 'calls of the origin', value: sum('calls'), unit: '', id: 'wrap-down-calls' },
    ],
  });
  for (const node of nodes.toReversed()) await node.close();
}
