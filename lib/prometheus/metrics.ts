import type { HyperCacheStats } from '../index.js';

/** One line of a metric. @internal */
export type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

/** @internal */
export interface MetricDescription {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly labels: readonly string[];
  readonly samples: (stats: HyperCacheStats) => readonly Sample[];
}

const NAMESPACE = 'namespace';

const one = (value: number | undefined): Sample[] => (value === undefined ? [] : [[{}, value]]);

function metric(
  type: MetricDescription['type'],
  name: string,
  help: string,
  samples: MetricDescription['samples'],
  labels: readonly string[] = [],
): MetricDescription {
  return { name: `hypercache_${name}`, type, help, labels, samples };
}

type Caches = HyperCacheStats['caches'];

function ofCaches(label: string, numbers: Readonly<Record<string, keyof Caches[string]>>) {
  return ({ caches }: HyperCacheStats): Sample[] =>
    Object.entries(caches).flatMap(([namespace, cache]) =>
      Object.entries(numbers).map(([value, field]): Sample => [
        { namespace, [label]: value },
        Number(cache[field]),
      ]),
    );
}

/** A counter by namespace. */
function ofEach(name: string, help: string, field: keyof Caches[string]): MetricDescription {
  const samples = ({ caches }: HyperCacheStats): Sample[] =>
    Object.entries(caches).map(([namespace, cache]) => [{ namespace }, Number(cache[field])]);
  return metric('counter', name, help, samples, [NAMESPACE]);
}

/**
 * All metrics. Their names are an interface, because dashboards and alerts depend on them.
 *
 * @internal
 */
export const METRICS: readonly MetricDescription[] = [
  metric(
    'counter',
    'reads_total',
    'Reads, by what answered them: l1 (memory), l2 (the file), primary, a stale value, or a miss.',
    ofCaches('result', {
      l1: 'l1Hits',
      l2: 'l2Hits',
      primary: 'primaryHits',
      stale: 'staleHits',
      miss: 'misses',
    }),
    [NAMESPACE, 'result'],
  ),
  metric(
    'counter',
    'writes_total',
    'Committed writes of this node.',
    ofCaches('kind', { set: 'sets', delete: 'deletes' }),
    [NAMESPACE, 'kind'],
  ),
  ofEach('factories_total', 'Factories of wrap that were called.', 'factories'),
  ofEach('refreshes_total', 'Factories that were called in the background.', 'refreshes'),
  ofEach('factory_errors_total', 'Factories that failed.', 'factoryErrors'),
  ofEach(
    'factory_timeouts_total',
    'Calls of wrap that no longer waited for a factory, and factories that did not end.',
    'factoryTimeouts',
  ),
  ofEach(
    'throttled_total',
    'Stale values that were served without a factory, because it had failed a short time before.',
    'throttled',
  ),
  ofEach(
    'fills_refused_total',
    'Results of factories that were not stored, because the entry had changed meanwhile.',
    'fillsRefused',
  ),
  metric('counter', 'incidents_total', 'Failures that no caller saw.', ({ incidents }) =>
    one(incidents),
  ),
  metric(
    'gauge',
    'entries',
    'Entries in memory (l1) and rows in the file (l2).',
    ({ l1, l2 }) => [
      [{ layer: 'l1' }, l1.entries],
      [{ layer: 'l2' }, l2.entries],
    ],
    ['layer'],
  ),
  metric(
    'gauge',
    'bytes',
    'Bytes in memory (l1), in use in the file (l2), and in its write-ahead log (wal).',
    ({ l1, l2 }) => [
      [{ layer: 'l1' }, l1.bytes],
      [{ layer: 'l2' }, l2.usedBytes],
      [{ layer: 'wal' }, l2.walBytes],
    ],
    ['layer'],
  ),
  metric('gauge', 'file_bytes', 'Size of the database file.', ({ l2 }) => one(l2.fileBytes)),
  metric(
    'gauge',
    'max_bytes',
    'Bound of the bytes in use in the file (maxSize); on a primary.',
    (s) => one(s.l2.maxBytes),
  ),
  metric(
    'counter',
    'evictions_total',
    'Live entries that were removed for space, from memory (l1) and from the file (l2).',
    ({ l1, l2 }) => [
      [{ layer: 'l1' }, l1.evictions],
      [{ layer: 'l2' }, l2.evicted],
    ],
    ['layer'],
  ),
  metric('counter', 'swept_total', 'Expired entries that were removed from the file.', ({ l2 }) =>
    one(l2.swept),
  ),
  metric('gauge', 'revision', 'Revision of the last committed change.', (s) => one(s.revision)),
  metric('gauge', 'queued_writes', 'Writes that wait for their commit.', (s) => one(s.queued)),
  metric('gauge', 'lock_waiters', 'Promises that wait for a lock.', (s) => one(s.lockWaiters)),
  metric('gauge', 'locks_held', 'Locks and slots of semaphores that are held; on a primary.', (s) =>
    one(s.locksHeld),
  ),
  metric(
    'gauge',
    'replica_connected',
    'Whether the changes of the primary arrive; on a secondary.',
    ({ replica }) => one(replica && Number(replica.isConnected)),
  ),
  metric(
    'counter',
    'replica_lost_total',
    'How often the primary was lost; on a secondary.',
    ({ replica }) => one(replica?.lost),
  ),
  metric(
    'counter',
    'replica_snapshots_total',
    'Whole copies of the primary that were taken; on a secondary.',
    ({ replica }) => one(replica?.snapshots),
  ),
  metric(
    'gauge',
    'replica_lag_revisions',
    'Changes of the primary that are known of and not yet here; on a secondary.',
    ({ replica }) => one(replica?.lag),
  ),
  metric(
    'gauge',
    'replica_lag_seconds',
    'From the commit of the last change that arrived until it was here; on a secondary.',
    ({ replica }) => one(replica && replica.lagMs / 1000),
  ),
  metric('gauge', 'outbox_writes', 'Writes that wait for the primary; on a secondary.', (s) =>
    one(s.outbox?.entries),
  ),
  metric('gauge', 'outbox_bytes', 'Bytes that wait for the primary; on a secondary.', (s) =>
    one(s.outbox?.bytes),
  ),
  metric(
    'gauge',
    'dead_letters',
    'Writes that the primary has refused for good; on a secondary.',
    ({ outbox }) => one(outbox?.deadLetters),
  ),
  metric('gauge', 'replicas', 'Nodes that follow this primary.', ({ replicas }) =>
    one(replicas?.length),
  ),
  metric(
    'gauge',
    'replicas_buffered_bytes',
    'Changes that this primary holds for nodes which read them slowly.',
    ({ replicas }) => one(replicas?.reduce((bytes, replica) => bytes + replica.bufferedBytes, 0)),
  ),
];

/**
 * The only metric that is written as events happen: no counter has the duration of each factory.
 *
 * @internal
 */
export const FACTORY_DURATION = {
  name: 'hypercache_factory_duration_seconds',
  type: 'histogram',
  help: 'How long factories of wrap take, until their value is stored.',
  labels: [NAMESPACE, 'reason'],
  buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
};
