import { createNode, type NodeEnvironment } from '../../lib/node/create-node.js';
import type { HyperCacheNode } from '../../lib/node/hyper-cache-node.js';
import type { HyperCacheOptions, ResolvedOptions } from '../../lib/node/options.js';
import { memoryNode } from './memory-engine/memory-node.js';
import { SABOTAGED } from './memory-engine/sabotaged.js';
import { REDIS_ENGINES } from './redis-engine.js';

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
        ['memory', memoryNode],
        [
          'memory, far',
          (options, environment) => memoryNode(options, { ...environment, isFar: true }),
        ],
        ...REDIS_ENGINES,
      ];

/** Those without a server. */
export const LOCAL_ENGINES: readonly EngineUnderTest[] = ENGINES.filter(
  (engine) => !REDIS_ENGINES.includes(engine),
);

/** Whether a block of tests runs on a server, by its name. */
const isOnServer = (name: string): boolean =>
  REDIS_ENGINES.some(([engine]) => name.endsWith(engine));

/** Whether `clear` counts what it deletes; else it answers 0. */
export const countsCleared = (name: string): boolean => !isOnServer(name);

/** Whether a block that is known here is told as it was, without asking again. */
export const remembersBlocks = isOnServer;

/** By how much, in ms, a node may misjudge the clock of its server. */
export const clockDistanceOf = (name: string): number => (isOnServer(name) ? 50 : 0);

/** Each variant of a suite on each engine that has it; the sabotaged ones as they are by default. */
export function onEngines<O extends HyperCacheOptions>(
  variants: readonly (readonly [name: string, options: O])[],
): (readonly [name: string, options: O, make: MakeNode])[] {
  const taken = ENGINES === SABOTAGED ? variants.slice(0, 1) : variants;
  return ENGINES.flatMap(([engine, make]) =>
    taken
      .filter(([, { durability }]) => durability === undefined || !isOnServer(engine))
      .map(([name, options]) => [`${name}, on ${engine}`, options, make] as const),
  );
}
