import { Module, type DynamicModule } from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { HttpCacheInterceptor } from './http-cache.interceptor.js';
import {
  checkHttpCacheOptions,
  HTTP_CACHE_DEFAULTS,
  type HttpCacheOptions,
} from './http-cache.options.js';

/**
 * Caches every GET route of the application, except those with `@HttpCache(false)`. It also needs `HyperCacheModule.forRoot()`.
 *
 * @publicApi
 */
@Module({})
export class HttpCacheModule {
  /**
   * @param defaults used where `@HttpCache` of a controller or a route gives no value
   * @throws {HC_ARGUMENT_INVALID | HC_TTL_INVALID}
   */
  static forRoot(defaults: HttpCacheOptions = {}): DynamicModule {
    checkHttpCacheOptions('HttpCacheModule.forRoot', defaults);
    return {
      module: HttpCacheModule,
      global: true,
      providers: [
        { provide: HTTP_CACHE_DEFAULTS, useValue: defaults },
        { provide: APP_INTERCEPTOR, useClass: HttpCacheInterceptor },
      ],
      exports: [HTTP_CACHE_DEFAULTS],
    };
  }
}
