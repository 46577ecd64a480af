import { ConfigurableModuleBuilder, type Provider } from '@nestjs/common';
import type { WrapPolicy } from '../cache/policy.js';
import type { Duration } from '../common/duration.js';
import type { HyperCacheOptions } from '../node/options.js';
import { HYPERCACHE_OPTIONS } from './hyper-cache.constants.js';

/** `forRoot`, `forRootAsync` and the provider of the options of the core module. @internal */
export const { ConfigurableModuleClass, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<HyperCacheOptions>({
    moduleName: 'HyperCache',
    optionsInjectionToken: HYPERCACHE_OPTIONS,
  })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createHyperCacheOptions')
    .build();

/** What `HyperCacheModule.forRootAsync()` takes: `useFactory`, `useClass` or `useExisting`, with their imports. @publicApi */
export type HyperCacheAsyncOptions = typeof ASYNC_OPTIONS_TYPE & {
  /** Whether every module of the application sees the cache without importing this one. @default true */
  isGlobal?: boolean;
  /** Applied to the controllers of the HTTP API. @default [] */
  controllerDecorators?: readonly ClassDecorator[];
  /** Providers that the factory may inject, as `CacheModule.registerAsync()` takes them. @default [] */
  extraProviders?: Provider[];
};

/** The class that `useClass` and `useExisting` of `forRootAsync` name. @publicApi */
export interface HyperCacheOptionsFactory {
  createHyperCacheOptions(): HyperCacheOptions | Promise<HyperCacheOptions>;
}

/** A named cache on the application's node. @publicApi */
export interface HyperCacheFeatureOptions {
  /** The name for `@InjectHyperCache(name)`. */
  name: string;
  /** How long an entry lives when its write gives no ttl, in ms or as a duration; 0 means no expiry. @default the node's ttl */
  ttl?: Duration;
  /** The defaults of `wrap` in this cache, for options that neither a call nor its policy gives. @default the node's `wrap` */
  wrap?: WrapPolicy;
  /** The namespace of its entries. @default the name */
  namespace?: string;
  /**
   * With `false`, its entries are never evicted, and a write without room is refused with `HC_STORAGE_FULL`. They are stored in
   * a separate namespace, whose name begins with `kept:`.
   *
   * @default true
   */
  evict?: boolean;
}
