import {
  Inject,
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type Type,
} from '@nestjs/common';
import { ApplicationConfig, HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import { placeOf } from '../../node/node-place.js';
import type { ResolvedOptions } from '../../node/options.js';
import { placeControllers } from '../controllers/create-controllers.js';
import { RESOLVED_OPTIONS } from '../hyper-cache.constants.js';
import { ApiPaths } from '../wire/api-paths.js';
import { claimBodies } from '../wire/body-claim.js';
import { ApiContext } from './api-context.js';
import { API_CONTROLLERS } from './api.constants.js';
import { OwnPort } from './own-port.js';

/**
 * The HTTP API of this node. It is served in the application, on its own port, or, without a token, nowhere.
 *
 * @publicApi
 */
@Injectable()
export class HyperCacheApi
  implements OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown
{
  #port: OwnPort | undefined;
  /** Controllers that have no path yet. */
  #unplaced: readonly Type[] = [];

  /** @internal Nest creates it before the controllers of its module, which it places or removes. */
  constructor(
    @Inject(ApiContext) private readonly context: ApiContext,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(API_CONTROLLERS) controllers: readonly Type[],
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost,
    @Inject(ApplicationConfig) private readonly application: ApplicationConfig,
    @Inject(ModulesContainer) modules: ModulesContainer,
  ) {
    const { apiToken, listen } = options;
    if (apiToken.length > 0 && listen === undefined) {
      this.#unplaced = controllers;
      if (isPlatform(host.httpAdapter?.getType?.())) this.mount();
    } else {
      for (const { controllers: known } of modules.values()) {
        for (const controller of controllers) known.delete(controller);
      }
    }
  }

  /**
   * Places the controllers where the application wants them. It runs as early as possible, so that it can keep bodies from the
   * body parsers of the host.
   *
   * @internal
   */
  mount(): void {
    const { path } = this.options;
    const adapter = this.host.httpAdapter;
    const type = adapter?.getType?.();
    placeControllers(this.#unplaced, path, type);
    if (this.#unplaced.length > 0 && isPlatform(type)) {
      claimBodies(adapter, new ApiPaths(path, this.application));
    }
    this.#unplaced = [];
  }

  /** The URL of the API on the port of the option `listen`, path included; undefined without the option. */
  get url(): string | undefined {
    return this.#port?.url;
  }

  /** @internal */
  async onApplicationBootstrap(): Promise<void> {
    const { listen, path } = this.options;
    const adapter = this.host.httpAdapter;
    if (listen !== undefined) {
      try {
        this.#port = await OwnPort.open(this.context, { listen, path, adapter });
      } catch (error) {
        // The application does not start, and no caller may be left to close the node.
        await this.context.node.close();
        throw error;
      }
    }
    this.context.logger.log(`This node is ${placeOf(this.options)}. ${this.#whereabouts()}`);
  }

  #whereabouts(): string {
    const { apiToken, path } = this.options;
    if (this.#port !== undefined) return `Its HTTP API listens on ${this.#port.url}`;
    if (apiToken.length === 0) return 'It serves no HTTP API: it has no apiToken.';
    if (!isPlatform(this.host.httpAdapter?.getType?.())) {
      return 'It serves no HTTP API: the application has no HTTP server.';
    }
    const prefix = this.application.getGlobalPrefix().replaceAll(/^\/+|\/+$/g, '');
    return `Its HTTP API is in the application, at ${prefix === '' ? '' : `/${prefix}`}${path}`;
  }

  /** Ends the streams, for which the host's server would wait, and then the port, while the node is still open. @internal */
  async beforeApplicationShutdown(): Promise<void> {
    this.context.open.close();
    await this.#port?.close();
  }

  /** Runs when the host's server has ended as well. @internal */
  onApplicationShutdown(): void {
    this.context.close();
  }
}

function isPlatform(type: string | undefined): boolean {
  return type === 'express' || type === 'fastify';
}
