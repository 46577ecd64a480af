/** Options as given to `forRoot`, not yet validated. @internal */
export const HYPERCACHE_OPTIONS = Symbol('HYPERCACHE_OPTIONS');

/** The running node. @internal */
export const HYPERCACHE_NODE = Symbol('HYPERCACHE_NODE');

/**
 * The injection token of a named cache.
 *
 * @param name as given to `HyperCacheModule.forFeature`
 * @publicApi
 */
export function getHyperCacheToken(name: string): string {
  return `HyperCache:${name}`;
}
