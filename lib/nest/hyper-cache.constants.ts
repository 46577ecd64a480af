import type { createNode, NodeEnvironment } from '../node/create-node.js';
import type { ResolvedOptions } from '../node/options.js';

/** The options given to `forRoot`, before validation. @internal */
export const HYPERCACHE_OPTIONS = Symbol('HYPERCACHE_OPTIONS');

/** The options after validation. @internal */
export const RESOLVED_OPTIONS = Symbol('RESOLVED_OPTIONS');

/** The running node. Nest shows the description when the module is not imported. @internal */
export const HYPERCACHE_NODE = Symbol(
  'HyperCache: import HyperCacheModule.forRoot() in the root module',
);

/**
 * The injection token of the parts from which a node is built. Tests override it with `nestjs-hypercache/testing`.
 *
 * @internal
 */
export const HYPERCACHE_ENVIRONMENT = Symbol('HYPERCACHE_ENVIRONMENT');

/** It is empty in a running application. @internal */
export interface HyperCacheEnvironment {
  /** Returns the options that the node uses in place of the application's. */
  readonly options?: (resolved: ResolvedOptions) => ResolvedOptions;
  /** Replaces the node of a file. */
  readonly createNode?: typeof createNode;
  /** Replaces HTTP as the way to reach another node. */
  readonly primaryClient?: NodeEnvironment['primaryClient'];
  /** Called when the node is closed. */
  readonly onClosed?: () => void;
}

/**
 * The injection token of a named cache.
 *
 * @param name as given to `HyperCacheModule.forFeature`
 * @publicApi
 */
export function getHyperCacheToken(name: string): string {
  return `HyperCache:${name}`;
}
