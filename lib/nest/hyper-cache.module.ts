import { Module, type DynamicModule } from '@nestjs/common';
import type { HyperCacheOptions, HyperCacheRole } from '../node/options.js';
import { HyperCacheCoreModule } from './hyper-cache-core.module.js';
import type {
  HyperCacheAsyncOptions,
  HyperCacheFeatureOptions,
} from './hyper-cache.module-definition.js';
import { cacheProviders, featureProvider } from './hyper-cache.providers.js';

/**
 * A persistent cache behind `CACHE_MANAGER`.
 *
 * @publicApi
 */
@Module({})
export class HyperCacheModule {
  /**
   * The application's cache.
   *
   * @param options all options, only the role, or nothing; what is not given comes from the environment
   */
  static forRoot(options: HyperCacheOptions | HyperCacheRole = {}): DynamicModule {
    const given = typeof options === 'string' ? { role: options } : options;
    const { isGlobal, ...rest } = given;
    // What is no boolean is left for the validation of the options to report.
    const core = typeof isGlobal === 'boolean' ? rest : given;
    return root(HyperCacheCoreModule.forRoot(core), isGlobal);
  }

  /** As {@link forRoot}, with options that a factory or a provider makes. */
  static forRootAsync({ isGlobal, ...options }: HyperCacheAsyncOptions): DynamicModule {
    return root(HyperCacheCoreModule.forRootAsync(options), isGlobal);
  }

  /**
   * One more cache on the application's node, with keys and a ttl of its own, injected by
   * `@InjectHyperCache(name)`.
   *
   * @throws {HC_OPTIONS_INVALID}
   */
  static forFeature(options: HyperCacheFeatureOptions): DynamicModule {
    const provider = featureProvider(options);
    return { module: HyperCacheModule, providers: [provider], exports: [provider] };
  }
}

function root(core: DynamicModule, isGlobal = true): DynamicModule {
  return {
    module: HyperCacheModule,
    global: isGlobal,
    imports: [core],
    providers: cacheProviders,
    exports: cacheProviders,
  };
}
