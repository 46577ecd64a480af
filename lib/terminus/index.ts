export {
  HyperCacheHealthIndicator,
  type HyperCacheHealthOptions,
} from './hyper-cache-health.indicator.js';
