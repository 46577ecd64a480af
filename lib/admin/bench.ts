import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../common/clock.js';
import { StorageOpenError } from '../common/errors.js';
import { createNode } from '../node/create-node.js';
import { resolveOptions } from '../node/resolve-options.js';
import type { Target, TargetWrite } from './target.js';

/** The result of one row of a benchmark. @internal */
export interface BenchRow {
  readonly name: string;
  /** Operations per second. */
  readonly rate: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

interface Work {
  readonly name: string;
  readonly inFlight: number;
  readonly run: (i: number) => unknown;
}

const KEYS = 1000;
const VALUE = { name: 'x'.repeat(120), price: 42, stock: [1, 2, 3] };
const PREFIX = 'hypercache-bench:';

/**
 * Measures a separate node in a new directory below the given one, so on the same disk. The directory is removed afterwards.
 *
 * @param rowMs how long each row takes
 * @throws {HC_STORAGE_OPEN}
 * @internal
 */
export async function benchDirectory(
  parent: string,
  rowMs: number,
  onRow: (row: BenchRow, rows: number) => void,
): Promise<void> {
  const directory = await mkdtemp(join(parent, 'hypercache-bench-')).catch((cause: unknown) => {
    throw new StorageOpenError(
      `Nothing can be made in ${parent}.`,
      'Give --path a directory that this user may write to.',
      { cause },
    );
  });
  const open = (l1?: false) =>
    createNode(
      resolveOptions({ sqlitePath: directory, logger: false, ...(l1 === false ? { l1 } : {}) }, {}),
    );
  try {
    const node = open();
    await node.start();
    try {
      const cache = node.cache('bench');
      const set = (i: number): unknown => cache.set(`${PREFIX}${i % KEYS}`, VALUE);
      const get = (i: number): unknown => cache.get(`${PREFIX}${i % KEYS}`);
      await measureAll(
        [
          { name: 'set, one at a time', inFlight: 1, run: set },
          { name: 'set, 64 in flight', inFlight: 64, run: set },
          { name: 'get, from memory', inFlight: 1, run: get },
          { name: 'increment, one at a time', inFlight: 1, run: () => cache.increment('count', 1) },
          {
            name: 'lock, acquired and released',
            inFlight: 1,
            run: (i) =>
              node.locks.lock(`bench-${i % KEYS}`, { ttl: 10_000 }).run(async () => undefined),
          },
        ],
        rowMs,
        (row) => onRow(row, 6),
      );
    } finally {
      await node.close();
    }
    const cold = open(false);
    await cold.start();
    try {
      const cache = cold.cache('bench');
      const get = (i: number): unknown => cache.get(`${PREFIX}${i % KEYS}`);
      await measureAll([{ name: 'get, from the file', inFlight: 1, run: get }], rowMs, (row) =>
        onRow(row, 6),
      );
    } finally {
      await cold.close();
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/**
 * Measures requests to a node: its network and its own work. It uses a separate namespace, which is cleared afterwards.
 *
 * @internal
 */
export async function benchTarget(
  target: Target,
  rowMs: number,
  onRow: (row: BenchRow, rows: number) => void,
): Promise<void> {
  const namespace = 'hypercache-bench';
  const set = (i: number): unknown => target.store(namespace, [writeOf(i)]);
  const get = (i: number): unknown => target.find(namespace, `${PREFIX}${i % KEYS}`);
  try {
    await measureAll(
      [
        { name: 'set, one at a time', inFlight: 1, run: set },
        { name: 'set, 16 in flight', inFlight: 16, run: set },
        { name: 'get, one at a time', inFlight: 1, run: get },
        { name: 'get, 16 in flight', inFlight: 16, run: get },
      ],
      rowMs,
      (row) => onRow(row, 4),
    );
  } finally {
    await target.clear(namespace);
  }
}

function writeOf(i: number): TargetWrite {
  return { key: `${PREFIX}${i % KEYS}`, value: VALUE, ttl: 60_000, tags: [] };
}

async function measureAll(
  works: readonly Work[],
  rowMs: number,
  onRow: (row: BenchRow) => void,
): Promise<void> {
  for (const work of works) onRow(await measure(work, rowMs));
}

async function measure({ name, inFlight, run }: Work, rowMs: number): Promise<BenchRow> {
  const took: number[] = [];
  const since = systemClock.monotonic();
  const deadline = since + rowMs;
  let begun = 0;
  const lane = async (): Promise<void> => {
    let now = systemClock.monotonic();
    while (now < deadline) {
      await run(begun++);
      const end = systemClock.monotonic();
      took.push(end - now);
      now = end;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  const seconds = (systemClock.monotonic() - since) / 1000;
  const sorted = Float64Array.from(took).toSorted();
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? 0;
  return { name, rate: took.length / seconds, p50: at(0.5), p99: at(0.99) };
}
