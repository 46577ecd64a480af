import { Global, Module } from '@nestjs/common';
import { HYPERCACHE_NODE, RESOLVED_OPTIONS } from './hyper-cache.constants.js';
import { HyperCacheLifecycle } from './hyper-cache.lifecycle.js';
import { ConfigurableModuleClass } from './hyper-cache.module-definition.js';
import { environmentProvider, nodeProvider, optionsProvider } from './hyper-cache.providers.js';

/**
 * Holds the node. It is always global, so that `forFeature` finds it whatever `isGlobal` is for the cache itself.
 *
 * @internal
 */
@Global()
@Module({
  providers: [environmentProvider, optionsProvider, nodeProvider, HyperCacheLifecycle],
  exports: [HYPERCACHE_NODE, RESOLVED_OPTIONS],
})
export class HyperCacheCoreModule extends ConfigurableModuleClass {}
