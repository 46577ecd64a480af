export { registerHyperCacheMetrics, type HyperCacheMetricsOptions } from './register-metrics.js';
