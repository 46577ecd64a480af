import { afterEach } from '@jest/globals';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SampleProcess } from '../../sample/01-single-node/src/replay/sample-process.js';
import type { SampleStats } from '../../sample/01-single-node/src/stats.controller.js';
import { useTemporaryDirectories } from './temporary-directory.js';

const DIST = fileURLToPath(new URL('../../sample/01-single-node/dist/', import.meta.url));

/** The compiled entry points of the sample: `npm run build:samples` makes them. */
export const SAMPLE_MAIN = join(DIST, 'main.js');
export const SAMPLE_REPLAY = join(DIST, 'replay.js');

/** What tests see of an answer. */
export interface SampleAnswer {
  readonly status: number;
  /** X-Cache-Layer, of those who tell. */
  readonly layer: string | null;
  /** X-Cache of Nest's interceptor. */
  readonly interceptor: string | null;
  readonly body: unknown;
}

/** A running sample, as its users see it. */
export class Sample {
  constructor(private readonly process: SampleProcess) {}

  get(path: string): Promise<SampleAnswer> {
    return this.send('GET', path);
  }

  async send(method: string, path: string, body?: unknown): Promise<SampleAnswer> {
    const response = await fetch(this.process.url + path, {
      method,
      ...(body !== undefined && {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    });
    return {
      status: response.status,
      layer: response.headers.get('x-cache-layer'),
      interceptor: response.headers.get('x-cache'),
      body: await response.json(),
    };
  }

  async stats(): Promise<SampleStats> {
    return (await this.get('/stats')).body as SampleStats;
  }

  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    return this.process.stop(signal);
  }
}

/** A function that starts the sample; all of them are stopped after the test. */
export function useSample(): {
  start: (directory: string, environment?: NodeJS.ProcessEnv) => Promise<Sample>;
  directory: () => string;
} {
  const started: Sample[] = [];
  // Jest runs these hooks in order: the processes end before their directories go.
  afterEach(async () => {
    for (const sample of started.splice(0)) await sample.stop('SIGKILL');
  });
  const directory = useTemporaryDirectories();
  const start = async (home: string, environment: NodeJS.ProcessEnv = {}): Promise<Sample> => {
    const process = await SampleProcess.start(SAMPLE_MAIN, {
      HYPERCACHE_SQLITE_PATH: join(home, 'cache'),
      CATALOG_PATH: join(home, 'catalog.sqlite'),
      CATALOG_PRODUCTS: '200',
      ORIGIN_DELAY_MS: '1',
      ...environment,
    });
    const sample = new Sample(process);
    started.push(sample);
    return sample;
  };
  return { start, directory };
}
