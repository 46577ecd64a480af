import { copyFileSync, existsSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { createNode } from '../../../lib/node/create-node.js';
import type {
  HyperCacheNode,
  HyperCacheStats,
  NodeCache,
} from '../../../lib/node/hyper-cache-node.js';
import type { HyperCacheOptions } from '../../../lib/node/options.js';
import { resolveOptions } from '../../../lib/node/resolve-options.js';
import { backgroundRound } from '../../support/background-round.js';
import { CLUSTER_TOKEN } from '../../support/clusters.js';
import { DirectClient } from '../../support/direct-client.js';
import { ManualClock } from '../../support/manual-clock.js';
import { countRowsIn, type ModelledSystem } from './system-under-test.js';

const FILES = ['hypercache.sqlite', 'hypercache.sqlite-wal'];

/** A secondary and its primary, of which the secondary can be stopped, killed and started again. */
export class SecondaryUnderTest implements ModelledSystem {
  readonly clock = new ManualClock();
  readonly incidents: string[] = [];
  readonly #home: string;
  #directory: string;
  #primary: HyperCacheNode | undefined;
  #node: HyperCacheNode | undefined;

  constructor(
    private readonly root: string,
    private readonly options: HyperCacheOptions,
  ) {
    this.#home = mkdtempSync(join(root, 'primary-'));
    this.#directory = mkdtempSync(join(root, 'run-'));
  }

  cache(namespace: string): NodeCache {
    return this.#running.cache(namespace);
  }

  async start(): Promise<void> {
    this.#primary = this.#create({ sqlitePath: this.#home });
    await this.#primary.start();
    await this.#startSecondary();
  }

  async stop(): Promise<void> {
    await this.#node?.close();
    await this.#primary?.close();
    this.#node = undefined;
    this.#primary = undefined;
  }

  async restart(): Promise<void> {
    await this.#node?.close();
    await this.#startSecondary();
  }

  async crash(): Promise<void> {
    await this.flush();
    const left = mkdtempSync(join(this.root, 'left-'));
    for (const file of FILES) {
      const from = join(this.#directory, file);
      if (existsSync(from)) copyFileSync(from, join(left, file));
    }
    await this.#node?.close();
    this.#directory = left;
    await this.#startSecondary();
  }

  flush(): Promise<void> {
    return this.#running.flush();
  }

  async maintain(): Promise<void> {
    await this.flush();
    await backgroundRound();
  }

  stats(): HyperCacheStats {
    return this.#running.stats() as HyperCacheStats;
  }

  countRows(): number {
    return countRowsIn(this.#directory);
  }

  async #startSecondary(): Promise<void> {
    const endpoint = this.#primary?.sync;
    this.#node = this.#create(
      {
        role: 'secondary',
        primaryUrl: 'http://direct',
        sqlitePath: this.#directory,
        asyncRequests: false,
        ...this.options,
      },
      () => new DirectClient(endpoint),
    );
    await this.#node.start();
  }

  #create(options: HyperCacheOptions, primaryClient?: () => DirectClient): HyperCacheNode {
    const { clock } = this;
    const node = createNode(
      resolveOptions({ apiToken: CLUSTER_TOKEN, sweepInterval: 1, ...options }, {}),
      primaryClient === undefined ? { clock } : { clock, primaryClient },
    );
    node.on('error', ({ error, during }) => {
      // To a replica a clock that jumps is a primary that has fallen silent; it connects again.
      if (error.code === 'HC_PRIMARY_UNREACHABLE') return;
      this.incidents.push(`${during}: ${error.message}`);
    });
    return node;
  }

  get #running(): HyperCacheNode {
    if (this.#node === undefined) throw new Error('The node is not running.');
    return this.#node;
  }
}
