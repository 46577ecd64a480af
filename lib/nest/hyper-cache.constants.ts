import type { createNode, NodeEnvironment } from '../node/create-node.js';
import type { ResolvedOptions } from '../node/options.js';

/** Options as given to `forRoot`, not yet validated. @internal */
export const HYPERCACHE_OPTIONS = Symbol('HYPERCACHE_OPTIONS');

/** Options after validation. @internal */
export const RESOLVED_OPTIONS = Symbol('RESOLVED_OPTIONS');

/** The running node. Nest shows the description to those who forgot to import the module. @internal */
export const HYPERCACHE_NODE = Symbol(
  'HyperCache: import HyperCacheModule.forRoot() in the root module',
);

/**
 * The injection token of what a node is made of, and with. Tests override it, with what `nestjs-hypercache/testing` makes.
 *
 * @internal
 */
export const HYPERCACHE_ENVIRONMENT = Symbol('HYPERCACHE_ENVIRONMENT');

/** In an application that runs it is empty. @internal */
export interface HyperCacheEnvironment {
  /** What the node gets in place of the options of the application. */
  readonly options?: (resolved: ResolvedOptions) => ResolvedOptions;
  /** In place of the node of a file. */
  readonly createNode?: typeof createNode;
  /** How another node is reached, in place of HTTP. */
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
