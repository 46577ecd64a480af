import { existsSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { ReplayOptions } from './options.js';
import { zipf } from './zipf.js';

/** What to request, in order: the product of each request, from 1. */
export interface Trace {
  /** Where it comes from, for people. */
  source: string;
  products: Uint32Array;
  /** How many different products there are. */
  distinct: number;
}

const GENERATED_REQUESTS = 100_000;

/**
 * The requested trace, else the default one, else generated requests.
 *
 * @param defaultPath of the trace that is used when none was asked for
 * @param say called with a message when the default trace does not exist
 * @throws when a trace that was asked for cannot be read
 */
export function loadTrace(
  options: ReplayOptions,
  defaultPath: string,
  say: (line: string) => void,
): Trace {
  const { trace, requests, objects, skew } = options;
  const path = trace ?? defaultPath;
  if (trace !== undefined || (!options.zipf && existsSync(path))) {
    return numbered(trace ?? relative('.', path), readTrace(path).subarray(0, requests));
  }
  if (!options.zipf) say(`There is no trace at ${path}: generating requests instead.`);
  const source = `Zipf(${skew}) over ${objects} objects`;
  return numbered(source, zipf(requests ?? GENERATED_REQUESTS, objects, skew));
}

/** Big-endian 32-bit integers, one per request, gzipped or not. */
function readTrace(path: string): Uint32Array {
  const file = readFileSync(path);
  const bytes = file[0] === 0x1f && file[1] === 0x8b ? gunzipSync(file) : file;
  if (bytes.length === 0 || bytes.length % 4 !== 0) {
    throw new Error(`${path} is no trace: ${bytes.length} bytes are no list of 32-bit integers.`);
  }
  return Uint32Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readUInt32BE(4 * i));
}

/** Objects become products, numbered in the order of their first request. */
function numbered(source: string, objects: Uint32Array): Trace {
  const numbers = new Map<number, number>();
  const products = objects.map((object) => {
    const product = numbers.get(object) ?? numbers.size + 1;
    numbers.set(object, product);
    return product;
  });
  return { source, products, distinct: numbers.size };
}
