import { CacheModule } from '@nestjs/cache-manager';
import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { guardedLogger } from '../common/logger.js';
import type { HyperCacheNode } from '../node/hyper-cache-node.js';
import type { ResolvedOptions } from '../node/options.js';
import {
  HYPERCACHE_ENVIRONMENT,
  HYPERCACHE_NODE,
  RESOLVED_OPTIONS,
  type HyperCacheEnvironment,
} from './hyper-cache.constants.js';
import { leaveStart, takenAway } from './starting-node.js';

/**
 * Closes the node at the very end of `app.close()`. Requests in flight and the hooks of other providers can still use the cache
 * before that.
 *
 * @internal
 */
@Injectable()
export class HyperCacheLifecycle implements OnApplicationBootstrap, OnApplicationShutdown {
  #isStarted = false;

  constructor(
    @Inject(HYPERCACHE_NODE) private readonly node: HyperCacheNode,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
    @Inject(HYPERCACHE_ENVIRONMENT) private readonly environment: HyperCacheEnvironment,
  ) {}

  /** @throws {HC_FILE_IN_USE} when another application has taken over the node's file */
  onApplicationBootstrap(): void {
    if (!this.#isStarted && !leaveStart(this.node)) throw takenAway(this.options.sqlitePath);
    this.#isStarted = true;
    this.#warnOfCacheModule();
  }

  /** Nest's own CacheModule also provides `CACHE_MANAGER`. The imports decide which of the two is injected. */
  #warnOfCacheModule(): void {
    const { logger = new Logger('HyperCache') } = this.options;
    if (logger === false) return;
    const all = [...this.modules.values()];
    const importers = all.filter(({ imports }) =>
      [...imports].some(({ metatype }) => metatype === CacheModule),
    );
    if (importers.length === 0) return;
    const names = importers.map(({ name }) => name).join(', ');
    guardedLogger(logger).warn(
      `CacheModule is imported next to HyperCacheModule: CACHE_MANAGER may be its store in memory. Remove it from the imports of ${names}.`,
    );
  }

  async onApplicationShutdown(): Promise<void> {
    leaveStart(this.node);
    await this.node.close();
    this.environment.onClosed?.();
  }
}
