import { Global, Module, type DynamicModule } from '@nestjs/common';
import { HyperCacheThrottlerStorage } from './hyper-cache-throttler.storage.js';
import {
  DEFAULTS,
  resolveThrottlerOptions,
  THROTTLER_OPTIONS,
  type HyperCacheThrottlerOptions,
} from './throttler-options.js';

/**
 * Provides {@link HyperCacheThrottlerStorage} to the whole application. Import it once, directly or by `forRoot`.
 *
 * @publicApi
 */
@Global()
@Module({
  providers: [{ provide: THROTTLER_OPTIONS, useValue: DEFAULTS }, HyperCacheThrottlerStorage],
  exports: [HyperCacheThrottlerStorage],
})
export class HyperCacheThrottlerModule {
  /** @throws {HC_OPTIONS_INVALID} */
  static forRoot(options: HyperCacheThrottlerOptions = {}): DynamicModule {
    const useValue = resolveThrottlerOptions(options);
    return {
      module: HyperCacheThrottlerModule,
      providers: [{ provide: THROTTLER_OPTIONS, useValue }],
    };
  }
}
