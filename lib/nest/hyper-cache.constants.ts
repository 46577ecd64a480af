import type { Clock } from '../common/clock.js';

/** Options as given to `forRoot`, not yet validated. @internal */
export const HYPERCACHE_OPTIONS = Symbol('HYPERCACHE_OPTIONS');

/** Options after validation. @internal */
export const RESOLVED_OPTIONS = Symbol('RESOLVED_OPTIONS');

/** The running node. Nest shows the description to those who forgot to import the module. @internal */
export const HYPERCACHE_NODE = Symbol(
  'HyperCache: import HyperCacheModule.forRoot() in the root module',
);

/**
 * The injection token of what stands around a node; nothing provides it but tests, by `nestjs-hypercache/testing`.
 *
 * @internal
 */
export const HYPERCACHE_ENVIRONMENT = Symbol('HYPERCACHE_ENVIRONMENT');

/** @internal */
export interface HyperCacheEnvironment {
  /** In place of the machine's clock. */
  readonly clock?: Clock | undefined;
  /** Called when the node is closed. */
  readonly onClosed?: (() => void) | undefined;
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
