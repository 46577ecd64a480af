import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EngineOption } from '../../engine/engine-option.js';
import type { HyperCacheEnvironment } from '../../nest/hyper-cache.constants.js';
import { createNode } from '../../node/create-node.js';
import { StubEngine } from './stub-engine.js';

const STUB: EngineOption = { kind: 'stub', create: ({ clock }) => new StubEngine(clock) };

let made = 0;

/**
 * Makes the cache of an application a stub, whatever its options are: see `HyperCacheTestingModule.stub`.
 *
 * @example
 * ```ts
 * Test.createTestingModule({ imports: [AppModule] })
 *   .overrideProvider(HYPERCACHE_ENVIRONMENT)
 *   .useValue(stubEnvironment());
 * ```
 * @publicApi
 */
export function stubEnvironment(): HyperCacheEnvironment {
  return {
    options: (options) => ({
      ...options,
      role: 'primary',
      // L1 would keep what was written.
      l1: false,
      durability: 'normal',
      logger: false,
      // The directory is never created. Two applications that start at the same time must not take over each other's node.
      sqlitePath: join(tmpdir(), `hypercache-stub-${++made}`),
    }),
    createNode: (options, environment) => createNode({ ...options, engine: STUB }, environment),
  };
}
