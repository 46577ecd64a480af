import type { EngineOption } from '../engine/engine-option.js';
import { RedisEngine } from './redis-engine.js';
import { resolveRedisOptions, type RedisOptions } from './redis-options.js';

export type { RedisOptions };
export type { SentinelOptions } from './sentinel-options.js';

/**
 * The engine over Redis or Valkey, for `HyperCacheModule.forRoot({ engine: redis({ url }) })`.
 *
 * @example
 * ```ts
 * HyperCacheModule.forRoot({ engine: redis({ url: 'redis://cache:6379' }) });
 * ```
 * @throws {HC_OPTIONS_INVALID}
 * @publicApi
 */
export function redis(options?: RedisOptions): EngineOption {
  const resolved = resolveRedisOptions(options);
  return { kind: 'redis', create: (parts) => new RedisEngine(resolved, parts) };
}
