import type { Server } from 'node:http';
import { Module, type HttpServer, type INestApplication } from '@nestjs/common';
import { NestFactory, type AbstractHttpAdapter } from '@nestjs/core';
import { DependencyMissingError, ListenFailedError } from '../../common/errors.js';
import { MAX_KEY_BYTES } from '../../common/limits.js';
import type { ListenOptions } from '../../node/option-checks.js';
import { createControllers, placeControllers } from '../controllers/create-controllers.js';
import { ApiPaths } from '../wire/api-paths.js';
import { claimBodies } from '../wire/body-claim.js';
import { ApiContext } from './api-context.js';

type AdapterClass = new (options?: object) => AbstractHttpAdapter;

/** Fastify refuses longer parameters. A byte of a key takes three characters at most. */
const FASTIFY_OPTIONS = { routerOptions: { maxParamLength: 3 * MAX_KEY_BYTES } };

/** The longest time for an answer. A request whose head arrived only in part would keep the server open for minutes. */
const CLOSE_MS = 5000;

@Module({})
class OwnPortModule {}

/** @internal */
export interface OwnPortOptions {
  readonly listen: ListenOptions;
  readonly path: string;
  /** The host's adapter, if it has one. The same platform serves the port. */
  readonly adapter: HttpServer | undefined;
}

/**
 * The API on its own port: a small Nest application, which nothing of the host reaches.
 *
 * @internal
 */
export class OwnPort {
  private constructor(
    private readonly app: INestApplication,
    /** The URL of the API, path included. */
    readonly url: string,
  ) {}

  /** @throws {HC_LISTEN_FAILED | HC_DEPENDENCY_MISSING} */
  static async open(context: ApiContext, options: OwnPortOptions): Promise<OwnPort> {
    const { listen, path } = options;
    const adapter = await createAdapter(options.adapter);
    claimBodies(adapter, new ApiPaths(path));
    const controllers = createControllers([]);
    placeControllers(controllers, path, adapter.getType());
    const app = await NestFactory.create(
      {
        module: OwnPortModule,
        controllers,
        providers: [{ provide: ApiContext, useValue: context }],
      },
      adapter,
      { abortOnError: false, bodyParser: false },
    );
    try {
      await app.listen(listen.port, listen.host);
    } catch (cause) {
      await app.close();
      throw new ListenFailedError(listen.host, listen.port, cause);
    }
    return new OwnPort(app, (await app.getUrl()) + path);
  }

  /** Resolves when the requests in flight are answered. It waits a few seconds at most for requests that are incomplete. */
  async close(): Promise<void> {
    const server = this.app.getHttpServer() as Server;
    const timer = setTimeout(() => server.closeAllConnections(), CLOSE_MS);
    try {
      await this.app.close();
    } finally {
      clearTimeout(timer);
    }
  }
}

async function createAdapter(host: HttpServer | undefined): Promise<AbstractHttpAdapter> {
  const type = host?.getType?.();
  if (host !== undefined && (type === 'express' || type === 'fastify')) {
    const Adapter = host.constructor as AdapterClass;
    return type === 'fastify' ? new Adapter(FASTIFY_OPTIONS) : new Adapter();
  }
  return importAdapter();
}

async function importAdapter(): Promise<AbstractHttpAdapter> {
  try {
    const { ExpressAdapter } = await import('@nestjs/platform-express');
    return new ExpressAdapter();
  } catch {
    // Then the other platform is tried.
  }
  try {
    const { FastifyAdapter } = await import('@nestjs/platform-fastify');
    return new FastifyAdapter(FASTIFY_OPTIONS);
  } catch (cause) {
    const packages = '@nestjs/platform-express or @nestjs/platform-fastify';
    throw new DependencyMissingError(packages, 'The option listen', cause);
  }
}
