import { systemClock, type Clock } from '../common/clock.js';
import { silentLogger, type HyperCacheLogger } from '../common/logger.js';
import { systemRandom, type Random } from '../common/random.js';
import type { PrimaryClient } from '../replication/primary-client.js';
import type { HyperCacheNode } from './hyper-cache-node.js';
import type { ResolvedOptions } from './options.js';
import { PrimaryNode } from './primary-node.js';
import { SecondaryNode } from './secondary-node.js';

/** What the outside world gives a node; tests give their own. @internal */
export interface NodeEnvironment {
  readonly clock?: Clock;
  readonly random?: Random;
  /** Where lines go when the option `logger` is not set. */
  readonly logger?: HyperCacheLogger;
  /** How a secondary reaches its primary. */
  readonly primaryClient?: (options: ResolvedOptions) => PrimaryClient;
}

/**
 * A node for these options, not yet started.
 * @internal
 */
export function createNode(
  options: ResolvedOptions,
  environment: NodeEnvironment = {},
): HyperCacheNode {
  const { clock = systemClock, random = systemRandom } = environment;
  const logger = options.logger === false ? silentLogger : (options.logger ?? environment.logger);
  const lines = logger ?? silentLogger;
  if (options.role === 'secondary') {
    if (environment.primaryClient === undefined) throw new Error('A secondary needs a client.');
    return new SecondaryNode(options, environment.primaryClient(options), clock, random, lines);
  }
  return new PrimaryNode(options, clock, random, lines);
}
