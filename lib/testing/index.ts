export {
  HyperCacheTestingModule,
  type HyperCacheTestOptions,
} from './hyper-cache-testing.module.js';
export { TestClock } from './test-clock.js';
