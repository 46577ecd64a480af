import { ConfigurableModuleBuilder, type Provider } from '@nestjs/common';
import type { WrapPolicy } from '../cache/policy.js';
import type { Duration } from '../common/duration.js';
import type { HyperCacheOptions } from '../node/options.js';
import { HYPERCACHE_OPTIONS } from './hyper-cache.constants.js';

/** `forRoot`, `forRootAsync` and the options' provider of the core module. @internal */
export const { ConfigurableModuleClass, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<HyperCacheOptions>({
    moduleName: 'HyperCache',
    optionsInjectionToken: HYPERCACHE_OPTIONS,
  })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createHyperCacheOptions')
    .build();

/** @publicApi */
export type HyperCacheAsyncOptions = typeof ASYNC_OPTIONS_TYPE & {
  /** Whether every module of the application sees the cache without importing this one. @default true */
  isGlobal?: boolean;
  /** Applied to the controllers of the HTTP API. @default [] */
  controllerDecorators?: readonly ClassDecorator[];
  /** Providers that the factory may inject, as `CacheModule.registerAsync()` takes them. @default [] */
  extraProviders?: Provider[];
};

/** What `useClass` and `useExisting` of `forRootAsync` name. @publicApi */
export interface HyperCacheOptionsFactory {
  createHyperCacheOptions(): HyperCacheOptions | Promise<HyperCacheOptions>;
}

/** A named cache on the application's node. @publicApi */
export interface HyperCacheFeatureOptions {
  /** What `@InjectHyperCache(name)` names. */
  name: string;
  /** How long an entry lives when its write says nothing, in ms or as a duration; 0 means no expiry. @default the node's ttl */
  ttl?: Duration;
  /** What `wrap` means in this cache when a call and its policy say nothing. @default the node's `wrap` */
  wrap?: WrapPolicy;
  /** Where its entries stand. @default the name */
  namespace?: string;
  /**
   * `false`: its entries are never evicted, and a write for which there is no room is refused with `HC_STORAGE_FULL`. They
   * stand in a namespace of their own, whose name begins with `kept:`.
   *
   * @default true
   */
  evict?: boolean;
}
