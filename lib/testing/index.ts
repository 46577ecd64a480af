export { HYPERCACHE_ENVIRONMENT } from '../nest/hyper-cache.constants.js';
export {
  HyperCacheTestingModule,
  type HyperCacheTestOptions,
} from './hyper-cache-testing.module.js';
export { stubEnvironment } from './stub/stub-environment.js';
export { TestClock } from './test-clock.js';
export { testEnvironment, type TestEnvironmentOptions } from './test-environment.js';
