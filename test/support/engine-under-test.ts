import type { NodeEnvironment } from '../../lib/node/create-node.js';
import type { HyperCacheNode } from '../../lib/node/hyper-cache-node.js';
import type { ResolvedOptions } from '../../lib/node/options.js';

/** Makes a node on the engine under test; it is not started. */
export type MakeNode = (options: ResolvedOptions, environment: NodeEnvironment) => HyperCacheNode;

/** In what an engine differs from the others, where a suite has to know. */
export interface EngineTraits {
  /** Whether its entries are on a server. */
  readonly isOnServer: boolean;
  /** Whether `clear` counts what it deletes; else it answers 0. */
  readonly countsCleared: boolean;
  /** Whether a block that is known to a node is answered from there. */
  readonly remembersBlocks: boolean;
  /** By how much a node may misjudge the clock of its server. */
  readonly clockDistanceMs: number;
}

export type EngineUnderTest = readonly [name: string, make: MakeNode, traits: EngineTraits];

export const EMBEDDED: EngineTraits = {
  isOnServer: false,
  countsCleared: true,
  remembersBlocks: false,
  clockDistanceMs: 0,
};

export const ON_SERVER: EngineTraits = {
  isOnServer: true,
  countsCleared: false,
  remembersBlocks: true,
  clockDistanceMs: 50,
};
