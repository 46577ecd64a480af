import { Module, type DynamicModule } from '@nestjs/common';
import type { HyperCacheOptions, HyperCacheRole } from '../node/options.js';
import { HyperCacheApiModule } from './api/hyper-cache-api.module.js';
import { HyperCacheCoreModule } from './hyper-cache-core.module.js';
import type {
  HyperCacheAsyncOptions,
  HyperCacheFeatureOptions,
} from './hyper-cache.module-definition.js';
import { cacheProviders, featureProvider } from './hyper-cache.providers.js';
import { checkBesideFactory } from './module-arguments.js';

/**
 * A persistent cache behind `CACHE_MANAGER`.
 *
 * @example
 * ```ts
 * @Module({ imports: [HyperCacheModule.forRoot({ sqlitePath: './data/cache.sqlite', ttl: '1m' })] })
 * export class AppModule {}
 * ```
 * @publicApi
 */
@Module({})
export class HyperCacheModule {
  /**
   * The application's cache.
   *
   * @param options all options, only the role, or nothing; the environment supplies missing options
   */
  static forRoot(options: HyperCacheOptions | HyperCacheRole = {}): DynamicModule {
    const given = typeof options === 'string' ? { role: options } : options;
    // The validation of the options reports a value that is no object or has another wrong type.
    if (!isRecord(given)) return root(HyperCacheCoreModule.forRoot(given));
    const core = { ...given };
    const { isGlobal, controllerDecorators } = given;
    if (typeof isGlobal === 'boolean') delete core.isGlobal;
    if (areDecorators(controllerDecorators)) delete core.controllerDecorators;
    return root(HyperCacheCoreModule.forRoot(core), isGlobal, controllerDecorators);
  }

  /**
   * As {@link forRoot}, with options that a factory or a provider makes.
   *
   * @throws {HC_OPTIONS_INVALID} for an option that does not belong next to the factory
   */
  static forRootAsync(given: HyperCacheAsyncOptions): DynamicModule {
    checkBesideFactory(given);
    const { isGlobal, controllerDecorators, extraProviders = [], ...options } = given;
    const core = HyperCacheCoreModule.forRootAsync(options);
    const providers = [...(core.providers ?? []), ...extraProviders];
    return root({ ...core, providers }, isGlobal, controllerDecorators);
  }

  /**
   * One more cache on the application's node, with its own keys and ttl. Inject it with `@InjectHyperCache(name)`.
   *
   * @throws {HC_OPTIONS_INVALID}
   */
  static forFeature(options: HyperCacheFeatureOptions): DynamicModule {
    const provider = featureProvider(options);
    return { module: HyperCacheModule, providers: [provider], exports: [provider] };
  }
}

function root(
  core: DynamicModule,
  isGlobal = true,
  decorators: readonly ClassDecorator[] = [],
): DynamicModule {
  const api = HyperCacheApiModule.with(areDecorators(decorators) ? decorators : []);
  return {
    module: HyperCacheModule,
    global: isGlobal,
    imports: [core, api],
    providers: cacheProviders,
    exports: cacheProviders,
  };
}

function isRecord(value: unknown): value is HyperCacheOptions {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function areDecorators(value: unknown): value is readonly ClassDecorator[] {
  return Array.isArray(value) && value.every((decorator) => typeof decorator === 'function');
}
