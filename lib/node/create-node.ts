import { systemClock, type Clock } from '../common/clock.js';
import { InvalidArgumentError } from '../common/errors.js';
import { guardedLogger, silentLogger, type HyperCacheLogger } from '../common/logger.js';
import { systemRandom, type Random } from '../common/random.js';
import type { PrimaryClient } from '../cluster/wire/primary-client.js';
import { setFileMode } from '../sqlite/file-mode.js';
import { EngineNode } from './engine-node.js';
import type { HyperCacheNode } from './hyper-cache-node.js';
import { NO_INTERCEPTION, type Interception } from './interception.js';
import { nodeContext } from './node-context.js';
import type { ResolvedOptions } from './options.js';
import { PrimaryNode } from './primary-node.js';
import { SecondaryNode } from './secondary-node.js';

/** What surrounds a node; tests pass their own. @internal */
export interface NodeEnvironment {
  readonly clock?: Clock;
  readonly random?: Random;
  /** Receives log lines when the option `logger` is not set. */
  readonly logger?: HyperCacheLogger;
  /** How a secondary reaches its primary. */
  readonly primaryClient?: (options: ResolvedOptions) => PrimaryClient;
  readonly interception?: Interception;
}

/**
 * Makes a node for these options, which has not yet started.
 *
 * @throws {HC_ARGUMENT_INVALID} for a secondary without a client
 * @internal
 */
export function createNode(
  options: ResolvedOptions,
  environment: NodeEnvironment = {},
): HyperCacheNode {
  const { clock = systemClock, random = systemRandom } = environment;
  const { interception = NO_INTERCEPTION } = environment;
  const logger = options.logger === false ? silentLogger : (options.logger ?? environment.logger);
  const lines = guardedLogger(logger ?? silentLogger);
  const context = nodeContext({ options, clock, random, logger: lines, interception });
  if (options.engine !== undefined) return new EngineNode(context, options.engine);
  setFileMode(options.sqlitePath, options.fileMode);
  if (options.role === 'secondary') {
    return new SecondaryNode(context, clientFor(options, environment));
  }
  const { primaryClient } = environment;
  return new PrimaryNode(
    context,
    primaryClient && (({ url, path }) => primaryClient({ ...options, primaryUrl: url, path })),
  );
}

function clientFor(options: ResolvedOptions, { primaryClient }: NodeEnvironment): PrimaryClient {
  if (primaryClient !== undefined) return primaryClient(options);
  throw new InvalidArgumentError(
    'A secondary has no way to reach its primary.',
    'Create it by HyperCacheModule, which has one.',
  );
}
