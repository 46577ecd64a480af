import { createNode, type NodeEnvironment } from '../../lib/node/create-node.js';
import type { HyperCacheNode } from '../../lib/node/hyper-cache-node.js';
import type { ResolvedOptions } from '../../lib/node/options.js';
import { MemoryNode } from './memory-engine/memory-node.js';
import { SABOTAGED } from './memory-engine/sabotaged.js';

/** Makes a node on the engine under test; it is not started. */
export type MakeNode = (options: ResolvedOptions, environment: NodeEnvironment) => HyperCacheNode;

export type EngineUnderTest = readonly [name: string, make: MakeNode];

export const SQLITE: EngineUnderTest = ['SQLite', createNode];

/** What the contract suites run on: all engines, or, when they are to fail, the sabotaged ones. */
export const ENGINES: readonly EngineUnderTest[] =
  process.env['HYPERCACHE_TEST_ENGINES'] === 'sabotaged'
    ? SABOTAGED
    : [
        SQLITE,
        ['memory', (options, environment) => new MemoryNode(options, environment)],
        [
          'memory, far',
          (options, environment) => new MemoryNode(options, { ...environment, isFar: true }),
        ],
      ];

/** Each variant of a suite on each engine; the sabotaged ones as they are by default. */
export function onEngines<O>(
  variants: readonly (readonly [name: string, options: O])[],
): (readonly [name: string, options: O, make: MakeNode])[] {
  const taken = ENGINES === SABOTAGED ? variants.slice(0, 1) : variants;
  return ENGINES.flatMap(([engine, make]) =>
    taken.map(([name, options]) => [`${name}, on ${engine}`, options, make] as const),
  );
}
