import { Global, Module } from '@nestjs/common';
import { HyperCacheModule } from '../index.js';
import { CACHE_NAME, IdempotencyInterceptor } from './idempotency.interceptor.js';

/**
 * What `@Idempotent` needs: a cache of its own whose entries are never evicted. To be imported once, beside
 * `HyperCacheModule.forRoot()`.
 *
 * @publicApi
 */
@Global()
@Module({
  imports: [HyperCacheModule.forFeature({ name: CACHE_NAME, evict: false })],
  providers: [IdempotencyInterceptor],
  exports: [IdempotencyInterceptor, HyperCacheModule],
})
export class HyperCacheIdempotencyModule {}
