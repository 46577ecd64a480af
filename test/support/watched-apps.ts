import { beforeEach, expect } from '@jest/globals';
import { Cache, CACHE_MANAGER } from '@nestjs/cache-manager';
import type { INestApplicationContext } from '@nestjs/common';
import { join } from 'node:path';
import type { HyperCacheEvents } from '../../lib/common/events.js';
import { HyperCacheModule } from '../../lib/nest/hyper-cache.module.js';
import { HyperCache } from '../../lib/nest/hyper-cache.service.js';
import type { HyperCacheOptions } from '../../lib/node/options.js';
import { useNestApps } from './nest-apps.js';

/** An application and all that it says of trouble. */
export interface WatchedApp {
  readonly app: INestApplicationContext;
  readonly cache: HyperCache;
  readonly manager: Cache;
  readonly errors: HyperCacheEvents['error'][];
  readonly recoveries: HyperCacheEvents['recovered'][];
  readonly log: string[];
}

/** How tests start applications whose file they are about to spoil. */
export interface WatchedApps {
  /** The `sqlitePath` of this test's applications. */
  directory(): string;
  /** The database file in it. */
  file(): string;
  /** Starts an application that looks after its file every 5 ms unless told otherwise. */
  start(options?: HyperCacheOptions): Promise<WatchedApp>;
  /** Writes work, reads see them, and they are in the file that the next start finds. */
  expectDurable(watched: WatchedApp): Promise<void>;
}

/** Applications for the tests of a file, all tests in directories of their own. */
export function useWatchedApps(): WatchedApps {
  const apps = useNestApps();
  let directory = '';
  beforeEach(() => {
    directory = apps.directory();
  });

  async function start(options: HyperCacheOptions = {}): Promise<WatchedApp> {
    const log: string[] = [];
    const line = (text: string): void => void log.push(text);
    // What a node says of itself at its start is no trouble.
    const said = (text: string): void => void (text.startsWith('This node is') || line(text));
    const logger = { log: said, warn: line, error: line };
    const app = await apps.context({
      imports: [
        HyperCacheModule.forRoot({ sqlitePath: directory, sweepInterval: 5, logger, ...options }),
      ],
    });
    const cache = app.get(HyperCache);
    const errors: WatchedApp['errors'] = [];
    const recoveries: WatchedApp['recoveries'] = [];
    cache.on('error', (event) => errors.push(event));
    cache.on('recovered', (event) => recoveries.push(event));
    return { app, cache, manager: app.get<Cache>(CACHE_MANAGER), errors, recoveries, log };
  }

  return {
    directory: () => directory,
    file: () => join(directory, 'hypercache.sqlite'),
    start,
    async expectDurable({ app, cache }) {
      await cache.set('after', 'value');
      await expect(cache.get('after')).resolves.toBe('value');
      await app.close();
      await expect((await start()).cache.get('after')).resolves.toBe('value');
    },
  };
}
