import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../common/clock.js';
import type { HyperCacheEnvironment } from '../../nest/hyper-cache.constants.js';
import { EngineNode } from '../engine-node.js';
import { StubEngine } from './stub-engine.js';

let made = 0;

/**
 * Makes the cache of an application a stub, whatever its options say: see `HyperCacheTestingModule.stub`.
 *
 * @example
 * Test.createTestingModule({ imports: [AppModule] })
 *   .overrideProvider(HYPERCACHE_ENVIRONMENT)
 *   .useValue(stubEnvironment());
 * @publicApi
 */
export function stubEnvironment(): HyperCacheEnvironment {
  return {
    options: (options) => ({
      ...options,
      role: 'primary',
      // Memory would keep what was written.
      l1: false,
      durability: 'normal',
      logger: false,
      // Which is never made: two applications that start at once must not take each other's node away.
      sqlitePath: join(tmpdir(), `hypercache-stub-${++made}`),
    }),
    createNode: (options, { clock = systemClock, random } = {}) =>
      new EngineNode(options, new StubEngine(clock), random),
  };
}
