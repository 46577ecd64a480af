import { describe } from '@jest/globals';
import type { HyperCacheOptions } from '../../lib/node/options.js';
import { useDirectClusters } from '../support/clusters.js';
import { cacheManagerOn } from '../support/hyper-caches.js';
import { describeCacheManagerContract } from './cache-manager-contract.js';

const VARIANTS: readonly [name: string, options: HyperCacheOptions][] = [
  ['as it is by default', {}],
  ["replica 'none'", { replica: 'none' }],
  ['with a default policy', { wrap: { grace: '1h', softTimeout: '1m', timeout: '2m' } }],
];

let caches = 0;

describe.each(VARIANTS)('HyperCache behind CACHE_MANAGER on a secondary, %s', (_name, options) => {
  const clusters = useDirectClusters();

  // Started while the date stands still: a heartbeat from before would tell of another time.
  describeCacheManagerContract('ours', async ({ ttl } = {}) => {
    const { node } = await clusters.secondary(await clusters.primary(), options);
    return cacheManagerOn(node, `cache-${++caches}`, ttl);
  });
});
