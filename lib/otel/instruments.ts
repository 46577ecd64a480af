import type { Attributes } from '@opentelemetry/api';
import type { CacheStats, HyperCacheStats } from '../index.js';
import { Attribute } from './attributes.js';

/** One number of an instrument. @internal */
export type Reading = readonly [value: number, attributes: Attributes];

/** An instrument that is read from `stats()`. @internal */
export interface InstrumentDescription {
  readonly name: string;
  readonly type: 'counter' | 'updowncounter' | 'gauge';
  readonly unit: string;
  readonly description: string;
  readonly attributes: readonly string[];
  readonly read: (stats: HyperCacheStats) => readonly Reading[];
}

const { Namespace, Result, Layer, Operation } = Attribute;

const one = (value: number | undefined): Reading[] => (value === undefined ? [] : [[value, {}]]);

/** Readings of each cache, with its namespace. */
function ofEach(read: (cache: CacheStats) => readonly Reading[]) {
  return ({ caches }: HyperCacheStats): Reading[] =>
    Object.entries(caches).flatMap(([namespace, cache]) =>
      read(cache).map(([value, more]): Reading => [value, { [Namespace]: namespace, ...more }]),
    );
}

/**
 * All instruments that are read from `stats()`. Their names are an interface, because dashboards and alerts depend on them.
 *
 * @internal
 */
export const INSTRUMENTS: readonly InstrumentDescription[] = [
  {
    name: 'hypercache.read.count',
    type: 'counter',
    unit: '{read}',
    description: 'Reads, by what came of them; of a hit also the layer that answered.',
    attributes: [Namespace, Result, Layer],
    read: ofEach((cache) => [
      [cache.l1Hits, { [Result]: 'hit', [Layer]: 'l1' }],
      [cache.l2Hits, { [Result]: 'hit', [Layer]: 'l2' }],
      [cache.primaryHits, { [Result]: 'hit', [Layer]: 'primary' }],
      [cache.staleHits, { [Result]: 'stale' }],
      [cache.misses, { [Result]: 'miss' }],
    ]),
  },
  {
    name: 'hypercache.write.count',
    type: 'counter',
    unit: '{write}',
    description: 'Writes of this node.',
    attributes: [Namespace, Operation],
    read: ofEach((cache) => [
      [cache.sets, { [Operation]: 'set' }],
      [cache.deletes, { [Operation]: 'delete' }],
    ]),
  },
  {
    name: 'hypercache.entry.count',
    type: 'updowncounter',
    unit: '{entry}',
    description: 'Entries in memory (l1) and rows in the file (l2).',
    attributes: [Layer],
    read: ({ l1, l2 }) => [
      [l1.entries, { [Layer]: 'l1' }],
      [l2.entries, { [Layer]: 'l2' }],
    ],
  },
  {
    name: 'hypercache.size',
    type: 'updowncounter',
    unit: 'By',
    description: 'Bytes in memory (l1), in use in the file (l2), and in its write-ahead log (wal).',
    attributes: [Layer],
    read: ({ l1, l2 }) => [
      [l1.bytes, { [Layer]: 'l1' }],
      [l2.usedBytes, { [Layer]: 'l2' }],
      [l2.walBytes, { [Layer]: 'wal' }],
    ],
  },
  {
    name: 'hypercache.eviction.count',
    type: 'counter',
    unit: '{entry}',
    description: 'Live entries that were removed for space.',
    attributes: [Layer],
    read: ({ l1, l2 }) => [
      [l1.evictions, { [Layer]: 'l1' }],
      [l2.evicted, { [Layer]: 'l2' }],
    ],
  },
  {
    name: 'hypercache.write.queue.length',
    type: 'updowncounter',
    unit: '{write}',
    description: 'Writes that wait for their commit.',
    attributes: [],
    read: ({ queued }) => one(queued),
  },
  {
    name: 'hypercache.lock.held',
    type: 'updowncounter',
    unit: '{lock}',
    description: 'Locks and slots of semaphores that are held; on a primary.',
    attributes: [],
    read: ({ locksHeld }) => one(locksHeld),
  },
  {
    name: 'hypercache.replica.connected',
    type: 'updowncounter',
    unit: '{replica}',
    description: 'Whether the changes of the primary arrive, 1 or 0; on a secondary.',
    attributes: [],
    read: ({ replica }) => one(replica && Number(replica.isConnected)),
  },
  {
    name: 'hypercache.replica.lag',
    type: 'gauge',
    unit: 's',
    description:
      'From the commit of the last change that arrived until it was here; on a secondary.',
    attributes: [],
    read: ({ replica }) => one(replica && replica.lagMs / 1000),
  },
  {
    name: 'hypercache.outbox.length',
    type: 'updowncounter',
    unit: '{write}',
    description: 'Writes that wait for the primary; on a secondary.',
    attributes: [],
    read: ({ outbox }) => one(outbox?.entries),
  },
  {
    name: 'hypercache.incident.count',
    type: 'counter',
    unit: '{incident}',
    description: 'Failures that no caller saw.',
    attributes: [],
    read: ({ incidents }) => one(incidents),
  },
];
