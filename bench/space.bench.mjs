import { statSync } from 'node:fs';
import { join } from 'node:path';
import { LRUCache } from 'lru-cache';
import { fillDatabase, fillNode } from './contenders.mjs';
import { collectGarbage, median } from './harness.mjs';
import { L1, L1Budget, systemClock } from './library.mjs';
import { keysOf, shuffled, small } from './workload.mjs';

export const name = 'space';
export const title = 'what an entry of 150 B takes, in the file and in memory';

/** @param {import('./harness.mjs').Bench} bench */
export async function run(bench) {
  await reportFile(bench);
  reportMemory(bench);
}

async function reportFile(bench) {
  const entries = bench.scale(200_000);
  const keys = shuffled(keysOf(entries));
  const ours = await bench.workshop.node();
  await fillNode(ours, keys, small.make);
  await ours.node.close();
  const raw = bench.workshop.database();
  fillDatabase(raw, keys, small.make);
  raw.database.pragma('wal_checkpoint(TRUNCATE)');
  const bytes = statSync(join(ours.sqlitePath, 'hypercache.sqlite')).size / entries;
  const rawBytes = statSync(join(raw.path, 'raw.sqlite')).size / entries;
  const json = Buffer.byteLength(JSON.stringify(small.make(7)));
  bench.report({
    title: `${entries.toLocaleString('en-US')} entries in the file, written in random order`,
    rows: [
      { what: 'the value as JSON, without its key', value: json, unit: 'bytes' },
      { what: 'HyperCache, change log included', value: bytes, unit: 'bytes' },
      { what: 'better-sqlite3, key and JSON in a table', value: rawBytes, unit: 'bytes' },
      { what: 'HyperCache to raw JSON rows', value: bytes / rawBytes, unit: 'x', id: 'disk' },
    ],
  });
}

/** The bytes of the layer itself: what its entries take beyond key and value, which exist before it. */
function reportMemory(bench) {
  const entries = bench.scale(200_000);
  const keys = keysOf(entries);
  // Makes each string a key once, because its hash is computed then: not in the middle of a measurement.
  const known = new Set(keys);
  const values = keys.map((_, i) => small.make(i));
  const bounds = { maxEntries: entries, maxBytes: 2 ** 40 };
  const contenders = {
    ours: () => {
      const l1 = new L1(new L1Budget(bounds.maxEntries, bounds.maxBytes), systemClock);
      for (const [i, key] of keys.entries())
        l1.set(key, values[i], { freshUntil: Infinity, expiresAt: Infinity }, 300);
      return l1;
    },
    expiring: () => {
      const l1 = new L1(new L1Budget(bounds.maxEntries, bounds.maxBytes), systemClock);
      const now = systemClock.now();
      for (const [i, key] of keys.entries()) {
        const end = now + 1e9 + i;
        l1.set(key, values[i], { freshUntil: end, expiresAt: end }, 300);
      }
      return l1;
    },
    lru: () => {
      const lru = new LRUCache({ max: bounds.maxEntries });
      for (const [i, key] of keys.entries()) lru.set(key, values[i]);
      return lru;
    },
    sized: () => {
      const lru = new LRUCache({
        max: bounds.maxEntries,
        maxSize: bounds.maxBytes,
        sizeCalculation: () => 300,
        ttl: 1e9,
      });
      for (const [i, key] of keys.entries()) lru.set(key, values[i]);
      return lru;
    },
  };
  const found = Object.fromEntries(Object.keys(contenders).map((label) => [label, []]));
  for (let round = 0; round < bench.options.rounds; round++) {
    for (const [label, fill] of Object.entries(contenders)) {
      found[label].push(bytesHeld(fill) / entries);
    }
  }
  if (known.size !== entries) throw new Error('The keys are not distinct.');
  const [ours, expiring, lru, sized] = Object.values(found).map((all) => median(all));
  bench.report({
    title: `${entries.toLocaleString('en-US')} entries in memory, beyond key and value`,
    rows: [
      { what: 'HyperCache, bounded by entries and bytes', value: ours, unit: 'bytes' },
      { what: 'the same, entries that expire', value: expiring, unit: 'bytes' },
      { what: 'lru-cache, bounded by entries', value: lru, unit: 'bytes' },
      { what: 'lru-cache, bounded by entries and bytes, ttl', value: sized, unit: 'bytes' },
      { what: 'HyperCache to lru-cache', value: ours / lru, unit: 'x', id: 'l1-memory' },
      {
        what: 'entries that expire, to lru-cache with the same',
        value: expiring / sized,
        unit: 'x',
      },
    ],
  });
}

/** Of what `fill` makes, array buffers included. */
function bytesHeld(fill) {
  collectGarbage();
  const before = memory();
  const held = fill();
  collectGarbage();
  const bytes = memory() - before;
  // Held until it was measured.
  if (held === undefined) throw new Error('Nothing was made.');
  return bytes;
}

function memory() {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
