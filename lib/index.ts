export type { CacheCounters, CacheStats, HitRatios } from './engine/cache-stats.js';
export type { Isolation } from './value/isolation.js';
export {
  BackupFailedError,
  CheckpointsInlineError,
  BodyTooLargeError,
  ClosedError,
  ContentTypeError,
  DependencyMissingError,
  FactoryFailedError,
  FactoryTimeoutError,
  FencedError,
  FileInUseError,
  ForeignFileError,
  HyperCacheError,
  InternalError,
  InvalidArgumentError,
  InvalidKeyError,
  InvalidOptionsError,
  InvalidRequestError,
  InvalidTtlError,
  InvalidValueError,
  ListenFailedError,
  LockLostError,
  LockTimeoutError,
  LogTooLargeError,
  MissError,
  ModuleMissingError,
  NativeModuleError,
  NewerSchemaError,
  NotAnIntegerError,
  NotPrimaryError,
  NumberRangeError,
  OutboxFullError,
  OutOfOrderError,
  PrimaryForeignError,
  PrimaryMismatchError,
  PrimaryRefusedError,
  PrimaryTimeoutError,
  PrimaryUnreachableError,
  QueueFullError,
  ReplicaBehindError,
  RoleMismatchError,
  StorageBusyError,
  StorageFailedError,
  StorageFullError,
  StorageLostError,
  StorageOpenError,
  SupersededError,
  TooManyAttemptsError,
  TwoPrimariesError,
  UnauthorizedError,
  UnknownRouteError,
  UnreadableValueError,
  UnsupportedValueError,
  ValueTooLargeError,
  type HyperCacheErrorCode,
  type OptionProblem,
} from './common/errors.js';
export { toMilliseconds, type Duration, type Size } from './common/duration.js';
export type { HyperCacheEvent, HyperCacheEvents, HyperCacheListener } from './common/events.js';
export type {
  HyperCacheCommandTrace,
  HyperCacheFactoryTrace,
  HyperCacheLockTrace,
} from './common/traces.js';
export { VERSION } from './common/version.js';
export type { HyperCacheLogger } from './common/logger.js';
export type { HyperCacheManager } from './keyv/cache-manager-cache.js';
export { HyperCacheKeyvStore } from './keyv/hyper-cache-keyv-store.js';
export type { Lock, LockContext, WaitOptions } from './locks/lock.js';
export type { LockInfo, LockOptions, SemaphoreOptions } from './locks/lock-factory.js';
export { HyperCacheApi } from './nest/api/hyper-cache-api.js';
export type { AsyncMethodDecorator } from './nest/decorators/cache-method.js';
export { CacheEvict, type CacheEvictOptions } from './nest/decorators/cache-evict.decorator.js';
export { CachePut, type CachePutOptions } from './nest/decorators/cache-put.decorator.js';
export { Cached, cacheKeyOf, type CachedOptions } from './nest/decorators/cached.decorator.js';
export { InjectHyperCache } from './nest/decorators/inject-hyper-cache.decorator.js';
export { InjectCache } from './nest/decorators/inject-cache.decorator.js';
export { RunOnce } from './nest/decorators/run-once.decorator.js';
export { WithLock, type WithLockOptions } from './nest/decorators/with-lock.decorator.js';
export { systemClock, type Clock } from './common/clock.js';
export { systemRandom } from './common/random.js';
export { rawRequest, rawResponse } from './http/raw-exchange.js';
export { Uncached } from './nest/decorators/uncached.decorator.js';
export { fromPortable } from './value/portable-value.js';
export { getHyperCacheToken, HYPERCACHE_NODE } from './nest/hyper-cache.constants.js';
export type {
  HyperCacheAsyncOptions,
  HyperCacheFeatureOptions,
  HyperCacheOptionsFactory,
} from './nest/hyper-cache.module-definition.js';
export { HttpCacheInterceptor } from './nest/http-cache/http-cache.interceptor.js';
export { HttpCacheModule } from './nest/http-cache/http-cache.module.js';
export { HttpCache, type HttpCacheOptions } from './nest/http-cache/http-cache.options.js';
export { HyperCacheModule } from './nest/hyper-cache.module.js';
export type { IncrementOptions, SetOptions } from './nest/call-options.js';
export type { PolicyName, WrapContext, WrapOptions, WrapPolicy } from './cache/policy.js';
export * from './cache/policy-names.js';
export { HyperCache } from './nest/hyper-cache.service.js';
export type { Entry, GetEntryOptions, WrappedEntry, Versioned } from './nest/entry.js';
export {
  defineCache,
  TypedCache,
  type CacheDefinition,
  type TypedCacheSource,
} from './nest/typed-cache.js';
export type {
  AnyDefinition,
  CacheDefinitionOptions,
  Definition,
  IdOf,
  InputOf,
  OutputOf,
} from './nest/cache-definition.js';
export type { SchemaIssue, StandardSchema } from './nest/standard-schema.js';
export type {
  BackupSummary,
  DeadLetterInfo,
  HyperCacheHealth,
  HyperCacheNode,
  HyperCacheStats,
} from './node/hyper-cache-node.js';
export type { Durability, HyperCacheOptions, HyperCacheRole, ReplicaMode } from './node/options.js';
export type { RunInfo, RunOnceOptions, RunSlot, RunSlotOptions } from './node/runs.js';
export type { ThrottleOptions, ThrottleResult } from './node/throttles.js';
export type { L1Options, ListenOptions } from './node/option-checks.js';
