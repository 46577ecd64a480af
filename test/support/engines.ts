import { createNode } from '../../lib/node/create-node.js';
import type { HyperCacheOptions } from '../../lib/node/options.js';
import {
  EMBEDDED,
  type EngineTraits,
  type EngineUnderTest,
  type MakeNode,
} from './engine-under-test.js';
import { memoryNode } from './memory-engine/memory-node.js';
import { SABOTAGED } from './memory-engine/sabotaged.js';
import { REDIS_ENGINES } from './redis-engine.js';

export const SQLITE: EngineUnderTest = ['SQLite', createNode, EMBEDDED];

/** What the contract suites run on: all engines, or, when they are to fail, the sabotaged ones. */
export const ENGINES: readonly EngineUnderTest[] =
  process.env['HYPERCACHE_TEST_ENGINES'] === 'sabotaged'
    ? SABOTAGED
    : [
        SQLITE,
        ['memory', memoryNode, EMBEDDED],
        [
          'memory, far',
          (options, environment) => memoryNode(options, { ...environment, isFar: true }),
          EMBEDDED,
        ],
        ...REDIS_ENGINES,
      ];

/** Those without a server. */
export const LOCAL_ENGINES: readonly EngineUnderTest[] = ENGINES.filter(
  ([, , { isOnServer }]) => !isOnServer,
);

/** Each variant of a suite on each engine that has it; the sabotaged ones as they are by default. */
export function onEngines<O extends HyperCacheOptions>(
  variants: readonly (readonly [name: string, options: O])[],
): (readonly [name: string, options: O, make: MakeNode, traits: EngineTraits])[] {
  const taken = ENGINES === SABOTAGED ? variants.slice(0, 1) : variants;
  return ENGINES.flatMap(([engine, make, traits]) =>
    taken
      .filter(([, { durability }]) => durability === undefined || !traits.isOnServer)
      .map(([name, options]) => [`${name}, on ${engine}`, options, make, traits] as const),
  );
}
