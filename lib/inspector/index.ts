export { HyperCacheInspector } from './hyper-cache-inspector.js';
export { HyperCacheInspectorModule } from './hyper-cache-inspector.module.js';
export type {
  HyperCacheInspectorOptions,
  InspectedEntry,
  InspectorListenOptions,
} from './inspector-options.js';
