import { systemClock, type Clock } from '../../../lib/common/clock.js';
import type { ResolvedOptions } from '../../../lib/node/options.js';
import { EngineNode } from '../../../lib/testing/engine-node.js';
import { MemoryEngine, MemoryServer } from './memory-engine.js';

/** A node on the engine in memory. */
export class MemoryNode extends EngineNode {
  constructor(
    options: ResolvedOptions,
    { isFar = false, clock = systemClock, server = new MemoryServer(clock) }: MemoryNodeParts = {},
  ) {
    super(options, new MemoryEngine(server, isFar));
    server.listeners.push(this.namespaces);
  }
}

export interface MemoryNodeParts {
  /** Answers come in a later turn. */
  readonly isFar?: boolean;
  readonly clock?: Clock | undefined;
  /** Shared with other nodes. */
  readonly server?: MemoryServer;
}
