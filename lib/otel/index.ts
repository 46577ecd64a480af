export {
  HyperCacheInstrumentation,
  type HyperCacheInstrumentationOptions,
  type ObserveOptions,
} from './hyper-cache-instrumentation.js';
