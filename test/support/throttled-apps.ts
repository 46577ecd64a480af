import { afterAll, afterEach } from '@jest/globals';
import type { HyperCacheThrottlerOptions } from 'nestjs-hypercache/throttler';
import type { HyperCacheOptions } from '../../lib/node/options.js';
import type { Platform } from './nest-apps.js';
import { useNodeProcesses, type NodeProcess } from './node-process.js';
import { useTemporaryDirectories } from './temporary-directory.js';

/** What a storage of @nestjs/throttler answers. */
export interface ThrottlerRecord {
  readonly totalHits: number;
  readonly timeToExpire: number;
  readonly isBlocked: boolean;
  readonly timeToBlockExpire: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: unknown;
}

/** An application in a process of its own that throttles by @nestjs/throttler, whose clocks the test moves. */
export interface ThrottledApp {
  readonly process: NodeProcess;
  readonly url: string;
  request(path: string, options?: RequestInit): Promise<Answer>;
  increment(...args: [string, number, number, number, string]): Promise<ThrottlerRecord>;
  reset(key: string, name?: string): Promise<boolean>;
  advance(ms: number): Promise<void>;
  setBack(ms: number): Promise<void>;
  /** What its cache's 'error' events have told. */
  events(): Promise<string[]>;
}

export interface ThrottledAppConfig {
  readonly platform?: Platform;
  readonly options?: HyperCacheOptions;
  readonly throttlerOptions?: HyperCacheThrottlerOptions;
  readonly throttlers?: readonly object[];
  /** Every request is skipped. */
  readonly skips?: boolean;
  readonly port?: number;
}

/**
 * The processes are killed after the test.
 *
 * @param cleanUp `afterAll`: after the tests of the block, which share them
 */
export function useThrottledApps(cleanUp: typeof afterEach = afterEach): {
  directory(): string;
  start(config?: ThrottledAppConfig): Promise<ThrottledApp>;
} {
  const startProgram = useNodeProcesses(cleanUp);
  const directory = useTemporaryDirectories(cleanUp);
  return {
    directory,
    async start({ options = {}, ...config } = {}) {
      const process = await startProgram('throttled-app', {
        ...config,
        options: { sqlitePath: directory(), ...options },
      });
      const ask = async <T>(target: string, method: string, ...args: unknown[]): Promise<T> =>
        (await process.ask<T>(target, method, ...args)).value;
      const url = await ask<string>('app', 'url');
      return {
        process,
        url,
        async request(path, init) {
          const response = await fetch(url + path, init);
          const headers = Object.fromEntries(response.headers);
          return { status: response.status, headers, body: await response.json() };
        },
        increment: (...args) => ask('storage', 'increment', ...args),
        reset: (key, name) => ask('storage', 'reset', key, name),
        advance: (ms) => ask('clock', 'advance', ms),
        setBack: (ms) => ask('clock', 'setBack', ms),
        events: () => ask('app', 'events'),
      };
    },
  };
}

/** One application for all tests of a block, which differ in the keys that they count. */
export function useSharedThrottledApp(
  config: ThrottledAppConfig = {},
): () => Promise<ThrottledApp> {
  const apps = useThrottledApps(afterAll);
  let app: Promise<ThrottledApp> | undefined;
  return () => (app ??= apps.start(config));
}
