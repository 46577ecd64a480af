// Peers that the library does not need itself: bench/package.json installs them.
import { createCache } from 'cache-manager';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import Database from 'better-sqlite3';

/** What the contenders are called, in every benchmark. */
export const NAMES = {
  memory: 'cache-manager, in memory',
  keyvSqlite: 'cache-manager + @keyv/sqlite',
  keyvRedis: 'cache-manager + @keyv/redis',
  ioredis: 'ioredis',
  bento: 'bentocache, memory',
  bentoSqlite: 'bentocache, memory + SQLite',
  cacheable: 'cacheable',
  lru: 'await lru.get',
  raw: 'better-sqlite3 + JSON',
};

/** More than any benchmark has keys, so that a peer in memory evicts nothing. */
export const ROOM = 1_000_000;

/** @type {Set<string>} */
export const missing = new Set();

/**
 * The module, or `undefined` when it is not installed.
 *
 * @param {string} name
 */
export async function peer(name) {
  try {
    return await import(name);
  } catch (error) {
    if (error?.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    missing.add(name);
    return undefined;
  }
}

/** One line about the peers that are left out; empty when there are none. */
export function missingPeers() {
  if (missing.size === 0) return '';
  const names = Array.from(missing).join(', ');
  return `Not installed, so left out: ${names}. To include: npm install --prefix bench`;
}

/**
 * cache-manager over SQLite, with the settings that make it fast without giving up more than the library does.
 *
 * @param {import('./contenders.mjs').Workshop} workshop
 */
export async function openKeyvSqlite(workshop) {
  const sqlite = await peer('@keyv/sqlite');
  const keyv = await keyvOf('@keyv/sqlite');
  if (sqlite === undefined || keyv === undefined) return undefined;
  const file = join(workshop.path(), 'keyv.sqlite');
  // The mode is a property of the file: every later connection finds it.
  const first = new Database(file);
  first.pragma('journal_mode = WAL');
  first.close();
  const store = new sqlite.default({ uri: `sqlite://${file}` });
  await store.query('PRAGMA synchronous = NORMAL');
  workshop.onClose(() => store.close());
  return createCache({ stores: [new keyv({ store })] });
}

/**
 * cache-manager over a Redis server.
 *
 * @param {import('./contenders.mjs').Workshop} workshop
 * @param {{ port: number } | undefined} server
 */
export async function openKeyvRedis(workshop, server) {
  const redis = await peer('@keyv/redis');
  if (redis === undefined || server === undefined) return undefined;
  const store = redis.createKeyv(`redis://127.0.0.1:${server.port}`);
  workshop.onClose(() => store.disconnect());
  return createCache({ stores: [store] });
}

/** In memory, behind the names that the others have. */
export async function openBento() {
  const bentocache = await peer('bentocache');
  const memory = await peer('bentocache/drivers/memory');
  if (bentocache === undefined || memory === undefined) return undefined;
  const { BentoCache, bentostore } = bentocache;
  const store = bentostore().useL1Layer(memory.memoryDriver({ maxItems: ROOM }));
  return named(new BentoCache({ default: 'store', ttl: '24h', stores: { store } }));
}

/**
 * In memory over SQLite.
 *
 * @param {import('./contenders.mjs').Workshop} workshop
 * @param {number} [maxItems] in memory
 */
export async function openBentoSqlite(workshop, maxItems = 10_000) {
  const bentocache = await peer('bentocache');
  const memory = await peer('bentocache/drivers/memory');
  const driver = await peer('bentocache/drivers/knex');
  const knex = await peer('knex');
  if (bentocache === undefined || memory === undefined) return undefined;
  if (driver === undefined || knex === undefined) return undefined;
  const connection = knex.default({
    client: 'better-sqlite3',
    connection: { filename: join(workshop.path(), 'bento.sqlite') },
    useNullAsDefault: true,
    pool: {
      afterCreate: (database, done) => {
        database.pragma('journal_mode = WAL');
        database.pragma('synchronous = NORMAL');
        done(null, database);
      },
    },
  });
  const { BentoCache, bentostore } = bentocache;
  const store = bentostore()
    .useL1Layer(memory.memoryDriver({ maxItems }))
    .useL2Layer(driver.knexDriver({ connection, autoCreateTable: true }));
  const bento = new BentoCache({ default: 'store', ttl: '24h', stores: { store } });
  workshop.onClose(() => bento.disconnectAll());
  return named(bento);
}

export async function openCacheable() {
  const cacheable = await peer('cacheable');
  if (cacheable === undefined) return undefined;
  const cache = new cacheable.Cacheable();
  return {
    get: (key) => cache.get(key),
    set: (key, value) => cache.set(key, value),
    wrap: (key, factory) => cache.getOrSet(key, factory),
  };
}

/** bentocache takes objects; this adapts it to calls with names and values. */
function named(bento) {
  return {
    get: (key) => bento.get({ key }),
    set: (key, value) => bento.set({ key, value }),
    wrap: (key, factory) => bento.getOrSet({ key, factory }),
  };
}

/** The Keyv that a peer was installed with: two copies of Keyv do not work together. */
async function keyvOf(name) {
  try {
    const require = createRequire(import.meta.url);
    const found = createRequire(require.resolve(name))('keyv');
    return found.Keyv ?? found.default;
  } catch (error) {
    if (error?.code !== 'MODULE_NOT_FOUND') throw error;
    missing.add('keyv');
    return undefined;
  }
}
