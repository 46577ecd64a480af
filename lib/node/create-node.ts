import { systemClock, type Clock } from '../common/clock.js';
import { UnsupportedRoleError } from '../common/errors.js';
import { silentLogger, type HyperCacheLogger } from '../common/logger.js';
import { systemRandom, type Random } from '../common/random.js';
import type { HyperCacheNode } from './hyper-cache-node.js';
import type { ResolvedOptions } from './options.js';
import { PrimaryNode } from './primary-node.js';

/** What the outside world gives a node; tests give their own. @internal */
export interface NodeEnvironment {
  readonly clock?: Clock;
  readonly random?: Random;
  /** Where lines go when the option `logger` is not set. */
  readonly logger?: HyperCacheLogger;
}

/**
 * A node for these options, not yet started.
 *
 * @throws {HC_ROLE_UNSUPPORTED}
 * @internal
 */
export function createNode(
  options: ResolvedOptions,
  environment: NodeEnvironment = {},
): HyperCacheNode {
  const { clock = systemClock, random = systemRandom } = environment;
  const logger = options.logger === false ? silentLogger : (options.logger ?? environment.logger);
  if (options.role === 'secondary') throw new UnsupportedRoleError(options.role);
  return new PrimaryNode(options, clock, random, logger ?? silentLogger);
}
