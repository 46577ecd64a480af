import { strict as assert } from 'node:assert';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { createCacheManagerCache, createNode, HyperCache, resolveOptions } from './library.mjs';

/** Writes that are committed together while a file is filled. */
const FILL_BATCH = 500;

/** Opens nodes and databases in a directory of its own under the system's temporary one. */
export class Workshop {
  #directory;
  #count = 0;
  /** @type {(() => unknown)[]} */
  #closers = [];

  /** @param {string} [parent] the directory for the files */
  constructor(parent = tmpdir()) {
    mkdirSync(parent, { recursive: true });
    this.#directory = mkdtempSync(join(parent, 'hypercache-bench-'));
  }

  /** Closes something together with what {@link scope} closes. */
  onClose(close) {
    this.#closers.push(close);
  }

  /** A path of its own for each call. */
  path() {
    const path = join(this.#directory, String(this.#count++));
    mkdirSync(path);
    return path;
  }

  /**
   * A started node on a file of its own.
   *
   * @param {object} [options] as for `HyperCacheModule.forRoot()`
   * @param {object} [environment] a clock, for one
   * @param {string} [sqlitePath] of a file that is there already
   */
  async node(options = {}, environment = {}, sqlitePath = this.path()) {
    const resolved = resolveOptions(
      { maxSize: 2 ** 34, ...options, sqlitePath, logger: false },
      {},
    );
    const node = createNode(resolved, environment);
    await node.start();
    this.#closers.push(async () => {
      await node.close();
      rmSync(sqlitePath, { recursive: true, force: true });
    });
    const own = node.cache(resolved.namespace);
    return {
      node,
      own,
      sqlitePath,
      cache: createCacheManagerCache(own, () => node.flush()),
      hyperCache: new HyperCache(node, own),
    };
  }

  /** A better-sqlite3 database with the pragmas of the library, and SQLite's own automatic checkpoint. */
  database({ synchronous = 'NORMAL' } = {}) {
    const path = this.path();
    const database = new Database(join(path, 'raw.sqlite'));
    database.pragma('journal_mode = WAL');
    database.pragma(`synchronous = ${synchronous}`);
    database.pragma('temp_store = MEMORY');
    database.pragma('mmap_size = 0');
    database.pragma('cache_size = -16384');
    database.exec('CREATE TABLE t (k TEXT PRIMARY KEY, v)');
    this.#closers.push(() => {
      database.close();
      rmSync(path, { recursive: true });
    });
    return {
      database,
      path,
      select: database.prepare('SELECT v FROM t WHERE k = ?').pluck(),
      upsert: database.prepare(
        'INSERT INTO t (k, v) VALUES (?, ?) ON CONFLICT (k) DO UPDATE SET v = excluded.v',
      ),
    };
  }

  /**
   * Runs `work` and closes what it has opened: an open node would take memory, and do its background work, while
   * something else is measured.
   *
   * @template T
   * @param {() => Promise<T>} work
   * @returns {Promise<T>}
   */
  async scope(work) {
    const outer = this.#closers;
    this.#closers = [];
    try {
      return await work();
    } finally {
      await this.#closeAll();
      this.#closers = outer;
    }
  }

  async close() {
    await this.#closeAll();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #closeAll() {
    for (const close of this.#closers.toReversed()) await close();
    this.#closers = [];
  }
}

/** Sets all keys, the i-th to `make(i)`. */
export async function fillNode({ own, node }, keys, make, options) {
  for (let i = 0; i < keys.length; i += FILL_BATCH) {
    const batch = keys.slice(i, i + FILL_BATCH);
    await Promise.all(batch.map((key, j) => own.set(key, make(i + j), options)));
  }
  await node.flush();
}

/** Sets all keys of a peer, the i-th to `make(i)`. */
export async function fillPeer(cache, keys, make) {
  for (let i = 0; i < keys.length; i += FILL_BATCH) {
    const batch = keys.slice(i, i + FILL_BATCH);
    await Promise.all(batch.map((key, j) => cache.set(key, make(i + j))));
  }
}

/** As {@link fillNode}; `encode` makes of a value what the row holds. */
export function fillDatabase({ database, upsert }, keys, make, encode = JSON.stringify) {
  for (let i = 0; i < keys.length; i += FILL_BATCH) {
    database.transaction(() => {
      for (const [j, key] of keys.slice(i, i + FILL_BATCH).entries()) {
        upsert.run(key, encode(make(i + j)));
      }
    })();
  }
}

/** Fails unless the measured read is a hit with the right value. */
export function expectValue(found, wanted) {
  assert.deepEqual(found, wanted);
}
