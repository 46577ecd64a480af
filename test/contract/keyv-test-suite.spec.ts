import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import keyvTestSuite, { keyvIteratorTests } from '@keyv/test-suite';
import { Keyv } from 'keyv';
import { Keyv as Keyv6 } from 'keyv-6';
import type { HyperCacheKeyvStore } from '../../lib/keyv/hyper-cache-keyv-store.js';
import { HyperCache } from '../../lib/nest/hyper-cache.service.js';
import type { HyperCacheOptions } from '../../lib/node/options.js';
import { useSharedNode } from '../support/nodes.js';

type Vitest = Parameters<typeof keyvTestSuite>[0];

/** What the suite uses of Vitest: its tests take `expect` from a context. */
const vitest = (isLeftOut: (name: string) => boolean): Vitest =>
  ({
    beforeEach,
    afterEach,
    it: (name: string, test: (context: { expect: typeof expect }) => unknown): void => {
      if (isLeftOut(name)) return;
      it(name, async () => {
        await test({ expect });
      });
    },
  }) as unknown as Vitest;

/** Keyv 6 answers with one boolean for each key. */
const OF_KEYV_5 = new Set(['.deleteMany([keys]) with nonexistent keys resolves to false']);

const VERSIONS = [
  ['Keyv 5', Keyv],
  ['Keyv 6', Keyv6 as unknown as typeof Keyv],
] as const;

const VARIANTS: readonly [name: string, options: HyperCacheOptions][] = [
  ['with L1', {}],
  ['without L1', { l1: false }],
];

describe.each(VERSIONS)(
  'HyperCacheKeyvStore passes @keyv/test-suite on %s',
  (_version, Version) => {
    describe.each(VARIANTS)('%s', (_name, options) => {
      const node = useSharedNode(options);
      // The suite makes one store for each Keyv, all on the same entries.
      const store = (): HyperCacheKeyvStore =>
        new HyperCache(node(), node().cache('keyv')).keyvStore();
      const runner = vitest((name) => Version !== Keyv && OF_KEYV_5.has(name));

      keyvTestSuite(runner, Version, store);
      keyvIteratorTests(runner, Version, store);
    });
  },
);
