export { HyperCacheThrottlerModule } from './hyper-cache-throttler.module.js';
export { HyperCacheThrottlerStorage } from './hyper-cache-throttler.storage.js';
export type { HyperCacheThrottlerOptions } from './throttler-options.js';
