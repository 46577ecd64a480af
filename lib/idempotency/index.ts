export { HyperCacheIdempotencyModule } from './hyper-cache-idempotency.module.js';
export { Idempotent } from './idempotent.decorator.js';
export type { IdempotentOptions } from './idempotent-options.js';
