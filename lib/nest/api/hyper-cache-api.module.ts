import { Inject, Logger, Module, type DynamicModule, type NestModule } from '@nestjs/common';
import { guardedLogger, silentLogger } from '../../common/logger.js';
import type { HyperCacheNode } from '../../node/hyper-cache-node.js';
import type { ResolvedOptions } from '../../node/options.js';
import { createControllers } from '../controllers/create-controllers.js';
import { HYPERCACHE_NODE, RESOLVED_OPTIONS } from '../hyper-cache.constants.js';
import { ApiContext } from './api-context.js';
import { API_CONTROLLERS } from './api.constants.js';
import { HyperCacheApi } from './hyper-cache-api.js';

/** Mounts the HTTP API next to the core module, which provides the node and the options. @internal */
@Module({})
export class HyperCacheApiModule implements NestModule {
  constructor(@Inject(HyperCacheApi) private readonly api: HyperCacheApi) {}

  static with(decorators: readonly ClassDecorator[]): DynamicModule {
    const controllers = createControllers(decorators);
    return {
      module: HyperCacheApiModule,
      controllers,
      providers: [
        { provide: API_CONTROLLERS, useValue: controllers },
        {
          provide: ApiContext,
          useFactory: (node: HyperCacheNode, options: ResolvedOptions) => {
            const { logger = new Logger('HyperCache') } = options;
            const lines = guardedLogger(logger === false ? silentLogger : logger);
            return new ApiContext(node, options, lines);
          },
          inject: [HYPERCACHE_NODE, RESOLVED_OPTIONS],
        },
        HyperCacheApi,
      ],
      exports: [HyperCacheApi],
    };
  }

  /** A testing module gets its HTTP adapter only at this point. */
  configure(): void {
    this.api.mount();
  }
}
