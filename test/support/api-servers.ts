import type { HyperCacheOptions } from '../../lib/node/options.js';
import { TOKEN } from './api-client.js';
import type { Platform } from './nest-apps.js';
import { useNodeProcesses, type NodeProcess } from './node-process.js';
import { useTemporaryDirectories } from './temporary-directory.js';

/** How a process is, after a collection of garbage. */
export interface Vitals {
  /** On the heap and beside it. */
  readonly heldBytes: number;
  readonly rss: number;
  /** Since the start. */
  readonly peakRss: number;
  /** Whether any object has a field `polluted`. */
  readonly polluted: boolean;
  /** What the prototypes of the language hold. */
  readonly prototypes: readonly string[];
}

/** An application in a process of its own that serves the API. */
export interface ApiServer {
  readonly process: NodeProcess;
  /** Of the API, without a slash at the end. */
  readonly url: string;
  vitals(): Promise<Vitals>;
  /** The lines of its log, and what else it has printed. */
  log(): Promise<string[]>;
  /** What its events of failures have told, errors in full. */
  events(): Promise<string[]>;
}

/** The processes are killed after the test. */
export function useApiServers(): (
  platform: Platform,
  options?: HyperCacheOptions,
) => Promise<ApiServer> {
  const startProgram = useNodeProcesses();
  const directory = useTemporaryDirectories();
  return async (platform, options = {}) => {
    const process = await startProgram('api-server', {
      platform,
      options: { sqlitePath: directory(), apiToken: TOKEN, ...options },
    });
    const ask = async <T>(method: string): Promise<T> =>
      (await process.ask<T>('server', method)).value;
    return {
      process,
      url: await ask('url'),
      vitals: () => ask('vitals'),
      log: () => ask('log'),
      events: () => ask('events'),
    };
  };
}
