import { describe } from '@jest/globals';
import { createCache } from 'cache-manager';
import { Keyv } from 'keyv';
import { HyperCacheKeyvStore } from '../../lib/keyv/hyper-cache-keyv-store.js';
import { KeyvView } from '../../lib/keyv/keyv-view.js';
import type { HyperCacheOptions } from '../../lib/node/options.js';
import { onEngines } from '../support/engines.js';
import { cacheManagerOn } from '../support/hyper-caches.js';
import { useSharedNode } from '../support/nodes.js';
import { describeCacheManagerContract } from './cache-manager-contract.js';

const VARIANTS: readonly [name: string, options: HyperCacheOptions][] = [
  ['as it is by default', {}],
  ["isolation 'share'", { isolation: 'share' }],
  ["isolation 'freeze'", { isolation: 'freeze' }],
  ["durability 'relaxed'", { durability: 'relaxed' }],
  ["durability 'full'", { durability: 'full' }],
  ['without L1', { l1: false }],
  ['with a default policy', { wrap: { grace: '1h', softTimeout: '1m', timeout: '2m' } }],
  ["without L1, durability 'relaxed'", { l1: false, durability: 'relaxed' }],
];

let caches = 0;
/** A namespace of its own for every cache: it is empty, whatever other tests have done. */
const newNamespace = (): string => `cache-${++caches}`;

describe('cache-manager', () => {
  describeCacheManagerContract('its in-memory default', async (options) => createCache(options));
});

describe.each(onEngines(VARIANTS))(
  'HyperCache behind CACHE_MANAGER, %s',
  (_name, options, make) => {
    const node = useSharedNode(options, make);

    describeCacheManagerContract('ours', async ({ ttl } = {}) =>
      cacheManagerOn(node(), newNamespace(), ttl),
    );
  },
);

describe("HyperCache as a store of cache-manager's own Cache", () => {
  const node = useSharedNode();

  describeCacheManagerContract('over KeyvView', async (options) => {
    const view = new KeyvView(node().cache(newNamespace()), () => node().flush());
    // Structurally it is what cache-manager calls of a Keyv; the class itself has private fields.
    return createCache({ ...options, stores: [view as unknown as Keyv] });
  });

  describeCacheManagerContract('over Keyv and HyperCacheKeyvStore', async (options) => {
    const cache = node().cache(newNamespace());
    const store = new HyperCacheKeyvStore({ node: node(), cache });
    return createCache({ ...options, stores: [new Keyv({ store })] });
  });
});
