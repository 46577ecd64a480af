import 'reflect-metadata';
import { afterEach } from '@jest/globals';
import {
  Module,
  type INestApplication,
  type INestApplicationContext,
  type ModuleMetadata,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { useCleanEnvironment } from './environment.js';
import { useTemporaryDirectories } from './temporary-directory.js';

/** The HTTP platforms that a Nest application may stand on. */
export const PLATFORMS = ['Express', 'Fastify'] as const;
/** @see PLATFORMS */
export type Platform = (typeof PLATFORMS)[number];

/** An application that listens. */
export interface RunningApp {
  readonly app: INestApplication;
  /** Without a slash at the end. */
  readonly url: string;
}

/** How tests start Nest applications. */
export interface NestApps {
  /** A new directory, for `sqlitePath`; removed after the test. */
  directory(): string;
  /** Starts an application without HTTP; closed after the test. */
  context(metadata: ModuleMetadata): Promise<INestApplicationContext>;
  /** Starts an application on a free port, configured as in a `main.ts`; closed after the test. */
  listen(
    platform: Platform,
    metadata: ModuleMetadata,
    configure?: (app: INestApplication) => void,
  ): Promise<RunningApp>;
}

/**
 * Options for an application that fails to start once its node has started: Nest gives no way to close what
 * stands already, so at least its maintenance must not begin a new file when the directory is removed.
 */
export const LEFT_OPEN = { sweepInterval: 3_600_000 } as const;

@Module({})
class AppModule {}

/** Applications for the tests of a block, none of which sees the HYPERCACHE_ variables of the machine. */
export function useNestApps(): NestApps {
  useCleanEnvironment();
  const started: INestApplicationContext[] = [];
  // Jest runs these hooks in order: the applications are closed before their directories go.
  afterEach(async () => {
    for (const app of started.splice(0)) await app.close();
  });
  const directory = useTemporaryDirectories();
  const quiet = { logger: false, abortOnError: false } as const;
  return {
    directory,
    async context(metadata) {
      const app = await NestFactory.createApplicationContext(
        { module: AppModule, ...metadata },
        quiet,
      );
      started.push(app);
      return app;
    },
    async listen(platform, metadata, configure = () => undefined) {
      const adapter = platform === 'Express' ? new ExpressAdapter() : new FastifyAdapter();
      const app = await NestFactory.create({ module: AppModule, ...metadata }, adapter, quiet);
      started.push(app);
      configure(app);
      await app.listen(0, '127.0.0.1');
      return { app, url: await app.getUrl() };
    },
  };
}
