import { systemClock, type Clock } from '../../../lib/common/clock.js';
import type { EngineOption } from '../../../lib/engine/engine-option.js';
import { createNode, type NodeEnvironment } from '../../../lib/node/create-node.js';
import type { HyperCacheNode } from '../../../lib/node/hyper-cache-node.js';
import type { ResolvedOptions } from '../../../lib/node/options.js';
import { MemoryEngine, MemoryServer } from './memory-engine.js';

/** A node on the engine in memory. */
export function memoryNode(
  options: ResolvedOptions,
  { isFar = false, server, ...environment }: NodeEnvironment & MemoryNodeParts = {},
): HyperCacheNode {
  const { clock = systemClock } = environment;
  const shared = server ?? new MemoryServer(clock);
  const engine: EngineOption = {
    kind: 'memory',
    create: ({ memory }) => {
      shared.listeners.push(memory);
      return new MemoryEngine(shared, isFar);
    },
  };
  return createNode({ ...options, engine }, { ...environment, clock });
}

export interface MemoryNodeParts {
  /** Answers come in a later turn. */
  readonly isFar?: boolean;
  readonly clock?: Clock;
  /** Shared with other nodes. */
  readonly server?: MemoryServer;
}
