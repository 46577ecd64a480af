export { HYPERCACHE_ENVIRONMENT } from '../nest/hyper-cache.constants.js';
export {
  CacheExpectation,
  expectCached,
  type InspectedCache,
  type TtlTolerance,
} from './expect-cached.js';
export type { FaultCode } from './faults/fault-codes.js';
export type { FaultPlace } from './faults/fault-plan.js';
export { Faults, faultsOf } from './faults/faults.js';
export {
  HyperCacheTestingModule,
  type HyperCacheTestOptions,
} from './hyper-cache-testing.module.js';
export {
  EventRecord,
  recordEvents,
  type EventSource,
  type RecordedEvent,
} from './record-events.js';
export { stubEnvironment } from './stub/stub-environment.js';
export { TestClock } from './test-clock.js';
export { testEnvironment, type TestEnvironmentOptions } from './test-environment.js';
export type { TestClusterNode } from './cluster/cluster-member.js';
export { createTestCluster, TestCluster, type TestClusterOptions } from './cluster/test-cluster.js';
