import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import {
  InvalidArgumentError,
  type HyperCache,
  type HyperCacheEvents,
  type HyperCacheStats,
} from '../index.js';
import { FACTORY_DURATION, METRICS, type MetricDescription } from './metrics.js';

/** The options of `registerHyperCacheMetrics()`. @publicApi */
export interface HyperCacheMetricsOptions {
  /** The application's own registry of prom-client, which it exposes wherever it likes. */
  registry: Registry;
}

/**
 * Registers the metrics of the node, all named `hypercache_...`, in a registry of prom-client 15. They are read from `stats()`
 * when the registry is asked, once for all of them. In between, it only notes each factory of `wrap` that ends.
 *
 * @example
 * ```ts
 * const unregister = registerHyperCacheMetrics(app.get(HyperCache), { registry: register });
 * unregister();
 * ```
 * @returns a function that removes them again
 * @throws {HC_ARGUMENT_INVALID} no registry, or one that already has these metrics
 * @publicApi
 */
export function registerHyperCacheMetrics(
  cache: HyperCache,
  { registry }: HyperCacheMetricsOptions,
): () => void {
  assertFree(registry);
  const stats = sharedStats(cache);
  for (const description of METRICS) registry.registerMetric(metricOf(description, stats));
  const { name, help, labels, buckets } = FACTORY_DURATION;
  const durations = new Histogram({
    name,
    help,
    labelNames: labels,
    buckets,
    registers: [registry],
  });
  const onFactory = ({ namespace, reason, ms }: HyperCacheEvents['factory']): void =>
    durations.observe({ namespace, reason }, ms / 1000);
  cache.on('factory', onFactory);
  return () => {
    cache.off('factory', onFactory);
    for (const taken of NAMES) registry.removeSingleMetric(taken);
  };
}

const NAMES = [...METRICS, FACTORY_DURATION].map(({ name }) => name);

function assertFree(registry: Registry): void {
  if (typeof registry?.getSingleMetric !== 'function') {
    throw new InvalidArgumentError(
      'There is no registry for the metrics.',
      'Pass the one of prom-client: registerHyperCacheMetrics(cache, { registry: register }).',
    );
  }
  const taken = NAMES.find((name) => registry.getSingleMetric(name) !== undefined);
  if (taken === undefined) return;
  throw new InvalidArgumentError(
    `The registry has a metric '${taken}' already.`,
    'Register the metrics of a node once, and give a second node of the process a registry of its own.',
  );
}

/** A registry asks all of its metrics in one turn of the event loop, so all of them share one read. */
function sharedStats(cache: HyperCache): () => Promise<HyperCacheStats> {
  let shared: Promise<HyperCacheStats> | undefined;
  return () => {
    if (shared === undefined) {
      shared = cache.stats();
      setImmediate(() => (shared = undefined));
    }
    return shared;
  };
}

/** Leaves out what a node does not have: prom-client resets a metric without labels to 0, and 0 would be an answer. */
function metricOf(
  { name, type, help, labels, samples }: MetricDescription,
  stats: () => Promise<HyperCacheStats>,
): Counter | Gauge {
  const configuration = { name, help, labelNames: [...labels], registers: [] };
  if (type === 'gauge') {
    return new Gauge({
      ...configuration,
      async collect() {
        const read = samples(await stats());
        this.reset();
        if (read.length === 0) this.remove();
        for (const [values, value] of read) this.set(values, value);
      },
    });
  }
  return new Counter({
    ...configuration,
    async collect() {
      const read = samples(await stats());
      // The node counts. The metric here only shows its numbers.
      this.reset();
      if (read.length === 0) this.remove();
      for (const [values, value] of read) this.inc(values, value);
    },
  });
}
