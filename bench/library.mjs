// The library as built. BENCH_DIST names another build of it, to compare two of them; a build must be in a place where
// its packages are found.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const { BENCH_DIST } = process.env;

/** Directory of the build that is measured. */
export const dist =
  BENCH_DIST === undefined
    ? new URL('../dist/', import.meta.url)
    : pathToFileURL(`${resolve(BENCH_DIST)}/`);

if (!existsSync(new URL('index.js', dist))) {
  throw new Error('The library is not built: run "npm run build" first, or "npm run bench".');
}

const load = (...paths) => {
  const path = paths.find((each) => existsSync(new URL(each, dist))) ?? paths[0];
  return import(new URL(path, dist).href);
};

export const { createNode } = await load('node/create-node.js');
export const { resolveOptions } = await load('node/resolve-options.js');
export const { createCacheManagerCache } = await load('keyv/cache-manager-cache.js');
export const { HyperCache } = await load('nest/hyper-cache.service.js');
export const { L1 } = await load('memory/l1.js');
export const { L1Budget } = await load('memory/l1-budget.js');
export const { captureValue } = await load('value/capture.js', 'common/value.js');
export const { encodeValue, decodeValue } = await load('value/codec.js', 'common/codec.js');
export const { systemClock } = await load('common/clock.js');
/** Undefined in a build that is older than the second engine. */
export const { redis: redisEngine } = await load('redis/index.js').catch(() => ({}));
