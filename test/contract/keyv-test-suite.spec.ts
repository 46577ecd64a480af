import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import keyvTestSuite, { keyvIteratorTests } from '@keyv/test-suite';
import { Keyv } from 'keyv';
import type { HyperCacheKeyvStore } from '../../lib/keyv/hyper-cache-keyv-store.js';
import { HyperCache } from '../../lib/nest/hyper-cache.service.js';
import type { HyperCacheOptions } from '../../lib/node/options.js';
import { useSharedNode } from '../support/nodes.js';

type Vitest = Parameters<typeof keyvTestSuite>[0];

/** What the suite uses of Vitest: its tests take `expect` from a context. */
const vitest = {
  beforeEach,
  afterEach,
  it: (name: string, test: (context: { expect: typeof expect }) => unknown): void => {
    it(name, async () => {
      await test({ expect });
    });
  },
} as unknown as Vitest;

const VARIANTS: readonly [name: string, options: HyperCacheOptions][] = [
  ['with L1', {}],
  ['without L1', { l1: false }],
];

describe.each(VARIANTS)('HyperCacheKeyvStore passes @keyv/test-suite, %s', (_name, options) => {
  const node = useSharedNode(options);
  // The suite makes one store for each Keyv, all on the same entries.
  const store = (): HyperCacheKeyvStore => new HyperCache(node(), node().cache('keyv')).keyvStore();

  keyvTestSuite(vitest, Keyv, store);
  keyvIteratorTests(vitest, Keyv, store);
});
