import type { Clock } from '../common/clock.js';
import { createNode } from '../node/create-node.js';
import type { HyperCacheEnvironment } from '../nest/hyper-cache.constants.js';
import type { HyperCacheNode } from '../node/hyper-cache-node.js';
import { Faults, noteFaults } from './faults/faults.js';
import { TestClock } from './test-clock.js';
import { makeDirectory, removeDirectory } from './test-directories.js';

/** The options of `testEnvironment()`. @publicApi */
export interface TestEnvironmentOptions {
  /** Replaces the machine's clock; see `TestClock`. */
  clock?: Clock | undefined;
}

/** Options for a test: nothing waits for a disk, no thread, no log lines. @internal */
export const TEST_OPTIONS = {
  role: 'primary',
  durability: 'relaxed',
  checkpoints: 'inline',
  logger: false,
} as const;

/**
 * Prepares the cache of an application that configures it itself for a test, as `HyperCacheTestingModule.forTest` does. It
 * becomes a primary in a separate directory, which `app.close()` removes. The other options of the application stay.
 *
 * @example
 * ```ts
 * Test.createTestingModule({ imports: [AppModule] })
 *   .overrideProvider(HYPERCACHE_ENVIRONMENT)
 *   .useValue(testEnvironment());
 * ```
 * @publicApi
 */
export function testEnvironment({ clock }: TestEnvironmentOptions = {}): HyperCacheEnvironment {
  let directory: string | undefined;
  return {
    ...nodeEnvironment(clock, () => {
      if (directory !== undefined) removeDirectory(directory);
    }),
    options: (options) => ({
      ...options,
      ...TEST_OPTIONS,
      sqlitePath: (directory ??= makeDirectory()),
    }),
  };
}

/** A node on this clock. @param onClosed called when it is closed @internal */
export function nodeEnvironment(
  clock: Clock | undefined,
  onClosed: () => void,
): HyperCacheEnvironment {
  let node: HyperCacheNode | undefined;
  return {
    createNode: (options, environment = {}) => {
      const faults = new Faults(options);
      node = createNode(options, faults.environment({ ...environment, ...(clock && { clock }) }));
      noteFaults(node, faults);
      if (clock instanceof TestClock) clock.attach(node);
      return node;
    },
    onClosed: () => {
      if (clock instanceof TestClock && node !== undefined) clock.detach(node);
      onClosed();
    },
  };
}
