import type { Cache } from 'cache-manager';
import { createCacheManagerCache } from '../../lib/keyv/cache-manager-cache.js';
import { HyperCache } from '../../lib/nest/hyper-cache.service.js';
import type { HyperCacheNode } from '../../lib/node/hyper-cache-node.js';

/** What an application injects as `HyperCache`. */
export function hyperCacheOn(
  node: HyperCacheNode,
  namespace = 'default',
  ttl?: number,
): HyperCache {
  return new HyperCache(node, node.cache(namespace, ttl));
}

/** What an application injects as `CACHE_MANAGER`. */
export function cacheManagerOn(node: HyperCacheNode, namespace = 'default', ttl?: number): Cache {
  return createCacheManagerCache(node.cache(namespace, ttl), () => node.flush());
}
