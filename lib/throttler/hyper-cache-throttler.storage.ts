import { Inject, Injectable, ServiceUnavailableException, type OnModuleInit } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import type { ThrottlerStorage } from '@nestjs/throttler';
import { HyperCache, HyperCacheError, ModuleMissingError, type ThrottleResult } from '../index.js';
import { THROTTLER_OPTIONS, type ResolvedThrottlerOptions } from './throttler-options.js';

type ThrottlerRecord = Awaited<ReturnType<ThrottlerStorage['increment']>>;

/**
 * The storage of `@nestjs/throttler` 6, on the application's cache: one count for all processes and servers, which survives
 * restarts. Import `HyperCacheThrottlerModule` and give it to `ThrottlerModule.forRootAsync()`.
 *
 * @publicApi
 */
@Injectable()
export class HyperCacheThrottlerStorage implements ThrottlerStorage, OnModuleInit {
  #cache: HyperCache | undefined;

  /** @internal Nest creates it. */
  constructor(
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
    @Inject(THROTTLER_OPTIONS) private readonly options: ResolvedThrottlerOptions,
  ) {}

  /** @internal */
  onModuleInit(): void {
    this.#cache = this.#findCache();
  }

  /**
   * Counts a request.
   *
   * @param ttl milliseconds
   * @param limit a negative one is 0
   * @param blockDuration milliseconds; with 0 or less, a key is blocked only while its counted requests reach the limit
   * @returns times in whole seconds, rounded up
   * @throws 503 when it cannot be decided, with `onUnavailable: 'reject'`
   */
  async increment(
    key: string,
    ttl: number,
    limit: number,
    blockDuration: number,
    throttlerName: string,
  ): Promise<ThrottlerRecord> {
    const { onUnavailable, window } = this.options;
    const options = {
      name: throttlerName,
      ttl: Math.max(0, ttl),
      limit: wholeLimit(limit, blockDuration > 0),
      blockDuration: Math.max(0, blockDuration),
      window,
      onUnavailable,
    };
    try {
      return recordOf(await this.#found.throttle(key, options));
    } catch (error) {
      if (!(error instanceof HyperCacheError) || isMistake(error)) throw error;
      throw new ServiceUnavailableException(
        { statusCode: 503, code: error.code, message: 'Requests cannot be counted now.' },
        { cause: error },
      );
    }
  }

  /**
   * Forgets the requests that were counted under a key, and its block. Resolves to whether there were any.
   *
   * @param key as the guard's `generateKey` makes it
   * @param throttlerName all throttlers if omitted
   */
  async reset(key: string, throttlerName?: string): Promise<boolean> {
    return this.#found.resetThrottle(key, throttlerName);
  }

  get #found(): HyperCache {
    return (this.#cache ??= this.#findCache());
  }

  /** Finds the cache wherever HyperCacheModule is imported, global or not. @throws {HC_MODULE_MISSING} */
  #findCache(): HyperCache {
    try {
      return this.moduleRef.get(HyperCache, { strict: false });
    } catch (error) {
      throw new ModuleMissingError('HyperCacheThrottlerModule', { cause: error });
    }
  }
}

/** Half a request never passes. */
function wholeLimit(limit: number, isBlocking: boolean): number {
  const whole = isBlocking ? Math.floor(limit) : Math.ceil(limit);
  return Math.min(Math.max(0, whole), Number.MAX_SAFE_INTEGER);
}

function recordOf(result: ThrottleResult): ThrottlerRecord {
  const { totalHits, isBlocked, timeToExpire, timeToBlockExpire } = result;
  return {
    totalHits,
    isBlocked,
    timeToExpire: Math.ceil(timeToExpire / 1000),
    timeToBlockExpire: Math.ceil(timeToBlockExpire / 1000),
  };
}

function isMistake({ code }: HyperCacheError): boolean {
  return code === 'HC_ARGUMENT_INVALID' || code === 'HC_KEY_INVALID';
}
