import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { Registry } from 'prom-client';
import { expectValue, fillNode } from './contenders.mjs';
import { collectGarbage, median } from './harness.mjs';
import { dist } from './library.mjs';
import { loop } from './loop.mjs';
import { keysOf, shuffled, small } from './workload.mjs';

export const name = 'observed';
export const title =
  'what metrics and traces take from a hit in memory: by turns without, with /prometheus, with /otel';

/** Many short turns: other work of the machine affects all three alike. */
const ROUNDS = 300;
const HITS = 20_000;
const WARM_UP = 2000;
const SCRAPES = 50;

/** The interval of a scraper, in ms: the default of Prometheus. */
const SCRAPE_EVERY_MS = 15_000;

/** @param {import('./harness.mjs').Bench} bench */
export async function run(bench) {
  for (const isolation of ['copy', 'share']) {
    await bench.workshop.scope(() => compare(bench, isolation));
  }
}

async function compare(bench, isolation) {
  const opened = await bench.workshop.node({ isolation });
  const keys = keysOf(1000);
  await fillNode(opened, keys, small.make);
  expectValue(await opened.cache.get(keys[7]), small.make(7));
  const ways = await waysOf(opened.hyperCache);
  const { cache } = opened;
  const hits = loop({ call: 'await cache.get(key)', scope: { cache }, keys: shuffled(keys) });
  const rounds = bench.options.quick ? 10 : ROUNDS;
  const times = ways.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < ways.length; turn++) {
      const which = (round + turn) % ways.length;
      const off = ways[which].on();
      await hits(WARM_UP);
      times[which].push(await timed(() => hits(HITS)));
      off();
    }
    if (round % 50 === 0) collectGarbage();
  }
  const [plain] = times;
  const rows = [
    {
      what: 'a hit without any',
      value: (median(plain) / HITS) * 1e6,
      unit: 'ns',
    },
  ];
  for (const [which, way] of ways.entries()) {
    if (which === 0) continue;
    const ratios = times[which].map((time, round) => time / plain[round]);
    const off = way.on();
    const scrapes = [];
    for (let i = 0; i < SCRAPES; i++) scrapes.push(await timed(way.scrape));
    off();
    const scrape = median(scrapes);
    rows.push(
      {
        what: `a hit, ${way.name}, of one without`,
        value: median(ratios),
        unit: 'x',
        atMost: 1.02,
      },
      { what: `one scrape, ${way.name}`, value: scrape, unit: 'ms' },
      {
        what: `scrapes, ${way.name}, of all time`,
        value: (scrape / SCRAPE_EVERY_MS) * 100,
        unit: '%',
        atMost: 2,
      },
    );
  }
  bench.report({ title: `${isolation}, 150 B`, rows });
}

/** Each function turns something on, and returns a function that turns it off. */
async function waysOf(hyperCache) {
  const { registerHyperCacheMetrics } = await import(new URL('prometheus/index.js', dist).href);
  const { HyperCacheInstrumentation } = await import(new URL('otel/index.js', dist).href);
  const registry = new Registry();
  class Reader extends MetricReader {
    async onForceFlush() {}
    async onShutdown() {}
  }
  const reader = new Reader();
  const instrumentation = new HyperCacheInstrumentation({ enabled: false });
  instrumentation.setMeterProvider(new MeterProvider({ readers: [reader] }));
  instrumentation.observe(hyperCache);
  return [
    { name: 'without', on: () => () => undefined },
    {
      name: '/prometheus',
      on: () => registerHyperCacheMetrics(hyperCache, { registry }),
      scrape: () => registry.metrics(),
    },
    {
      name: '/otel',
      on: () => {
        instrumentation.enable();
        return () => instrumentation.disable();
      },
      scrape: () => reader.collect(),
    },
  ];
}

/** Milliseconds. */
async function timed(work) {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}
