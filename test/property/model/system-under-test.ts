import Database from 'better-sqlite3';
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
import { ManualClock } from '../../support/manual-clock.js';
import { backgroundRound } from '../../support/background-round.js';

const FILES = ['hypercache.sqlite', 'hypercache.sqlite-wal'];

/** What is held against the model. */
export interface ModelledSystem {
  readonly clock: ManualClock;
  /** What went wrong behind the scenes. */
  readonly incidents: string[];
  cache(namespace: string): NodeCache;
  start(): Promise<void>;
  stop(): Promise<void>;
  restart(): Promise<void>;
  /** The process dies, and another one finds what it left on the disk. */
  crash(): Promise<void>;
  flush(): Promise<void>;
  /** Lets the sweeper, the evictor and the others do what is due. */
  maintain(): Promise<void>;
  stats(): HyperCacheStats;
  /** Rows in the file, counted by SQLite. */
  countRows(): number;
}

/** Rows in the file of a directory, counted by SQLite. */
export function countRowsIn(directory: string): number {
  const file = new Database(join(directory, 'hypercache.sqlite'), { readonly: true });
  try {
    return Number(file.prepare('SELECT count(*) FROM entries').pluck().get());
  } finally {
    file.close();
  }
}

/** A real node on a real file, which can be stopped, killed and started again. */
export class SystemUnderTest implements ModelledSystem {
  readonly clock = new ManualClock();
  /** What went wrong behind the scenes. */
  readonly incidents: string[] = [];
  #directory: string;
  #node: HyperCacheNode | undefined;

  constructor(
    private readonly root: string,
    private readonly options: HyperCacheOptions,
  ) {
    this.#directory = mkdtempSync(join(root, 'run-'));
  }

  cache(namespace: string): NodeCache {
    return this.#running.cache(namespace);
  }

  async start(): Promise<void> {
    const { clock } = this;
    const resolved = resolveOptions(
      { sqlitePath: this.#directory, sweepInterval: 1, ...this.options },
      {},
    );
    this.#node = createNode(resolved, { clock });
    this.#node.on('error', ({ error, during }) => {
      this.incidents.push(`${during}: ${error.message}`);
    });
    await this.#node.start();
  }

  async stop(): Promise<void> {
    await this.#node?.close();
    this.#node = undefined;
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** The process dies, and another one finds what it left on the disk. */
  async crash(): Promise<void> {
    // A relaxed write may be lost; what is tested here is everything else.
    await this.flush();
    const left = mkdtempSync(join(this.root, 'left-'));
    for (const file of FILES) {
      const from = join(this.#directory, file);
      if (existsSync(from)) copyFileSync(from, join(left, file));
    }
    await this.stop();
    this.#directory = left;
    await this.start();
  }

  flush(): Promise<void> {
    return this.#running.flush();
  }

  /** Lets the sweeper, the evictor and the others do what is due. */
  async maintain(): Promise<void> {
    await this.flush();
    await backgroundRound();
  }

  stats(): HyperCacheStats {
    return this.#running.stats() as HyperCacheStats;
  }

  /** Rows in the file, counted by SQLite. */
  countRows(): number {
    return countRowsIn(this.#directory);
  }

  get #running(): HyperCacheNode {
    if (this.#node === undefined) throw new Error('The node is not running.');
    return this.#node;
  }
}
