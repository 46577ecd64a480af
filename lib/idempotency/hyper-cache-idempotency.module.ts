import { Global, Module } from '@nestjs/common';
import { HyperCacheModule } from '../index.js';
import { CACHE_NAME, IdempotencyInterceptor } from './idempotency.interceptor.js';

/**
 * Provides what `@Idempotent` needs: a separate cache whose entries are never evicted. Import it once, next to
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
