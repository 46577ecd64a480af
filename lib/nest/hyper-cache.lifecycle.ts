import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { HyperCacheNode } from '../node/hyper-cache-node.js';
import { HYPERCACHE_NODE } from './hyper-cache.constants.js';

/**
 * Closes the node at the very end of `app.close()`: requests in flight and the other providers' own hooks
 * can still use the cache.
 *
 * @internal
 */
@Injectable()
export class HyperCacheLifecycle implements OnApplicationShutdown {
  constructor(@Inject(HYPERCACHE_NODE) private readonly node: HyperCacheNode) {}

  async onApplicationShutdown(): Promise<void> {
    await this.node.close();
  }
}
