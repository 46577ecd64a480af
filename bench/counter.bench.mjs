import { createCache } from 'cache-manager';
import { fillDatabase } from './contenders.mjs';
import { loop } from './loop.mjs';
import { NAMES } from './peers.mjs';
import { openRedis } from './redis.mjs';
import { keysOf, shuffled } from './workload.mjs';

export const name = 'counter';
export const title = 'increments over 1,000 counters';

const OURS = 'HyperCache';
const RELAXED = 'HyperCache, relaxed';
const RAW = 'better-sqlite3, autocommit upserts';
const LOST = 'cache-manager, in memory, get and set, not atomic';
const IN_FLIGHT = 64;

/** @param {import('./harness.mjs').Bench} bench */
export async function run(bench) {
  const keys = shuffled(keysOf(1000));
  const server = await openRedis(bench.workshop);
  const { hyperCache } = await bench.workshop.node();
  const relaxed = await bench.workshop.node({ durability: 'relaxed' });
  const memory = createCache();
  const raw = bench.workshop.database();
  fillDatabase(raw, keys, () => 0, Number);
  const upsert = raw.database.prepare(
    'INSERT INTO t (k, v) VALUES (?, 1) ON CONFLICT (k) DO UPDATE SET v = v + 1',
  );
  for (const inFlight of [1, IN_FLIGHT]) {
    const counts = (cache, call) => loop({ keys, call, scope: { cache }, inFlight });
    await bench.compare({
      title: inFlight === 1 ? 'one at a time' : `${inFlight} in flight`,
      id: inFlight === 1 ? 'one' : 'many',
      unit: 'increment',
      contenders: [
        { name: OURS, run: counts(hyperCache, 'await cache.increment(key)') },
        { name: RELAXED, run: counts(relaxed.hyperCache, 'await cache.increment(key)') },
        inFlight === 1
          ? { name: RAW, run: loop({ keys, call: 'upsert.run(key)', scope: { upsert } }) }
          : undefined,
        server && { name: NAMES.ioredis, run: counts(server.redis, 'await cache.incr(key)') },
        {
          name: LOST,
          run: counts(memory, 'await cache.set(key, ((await cache.get(key)) ?? 0) + 1)'),
        },
      ],
      targets: [
        { of: OURS, to: RAW, id: 'increment-raw' },
        { of: OURS, to: NAMES.ioredis },
      ],
    });
  }
}
