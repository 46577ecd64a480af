// Writes the files of this version as SQL to test/fixtures/schema/<version>.sql and test/fixtures/outbox/<version>.sql,
// so that later versions can be tested on them:
//   npm run build && node scripts/schema-fixture.mjs
// For an older version give the `dist` of its checkout. An existing file stays: its version was released with it.
import Database from 'better-sqlite3';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const root = join(import.meta.dirname, '..');
const dist = resolve(process.argv[2] ?? join(root, 'dist'));
const load = (path) => import(pathToFileURL(join(dist, path)).href);

const { MIGRATIONS } = await load('sqlite/sql/schema.js');
const { OUTBOX_MIGRATIONS } = await load('sqlite/sql/outbox.js');
const { createNode } = await load('node/create-node.js');
const { resolveOptions } = await load('node/resolve-options.js');

await write('schema', MIGRATIONS, 'hypercache.sqlite', fill);
await write('outbox', OUTBOX_MIGRATIONS, 'hypercache.outbox.sqlite', fillOutbox);

async function write(folder, migrations, fileName, fillFile) {
  const target = join(root, 'test', 'fixtures', folder, `${migrations.length}.sql`);
  if (existsSync(target)) {
    console.log(`${target} is there already.`);
    return;
  }
  const directory = mkdtempSync(join(tmpdir(), 'hypercache-schema-'));
  try {
    await fillFile(directory);
    writeFileSync(target, dump(join(directory, fileName), migrations));
    console.log(`${target} is written.`);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Values of every type, tags, counters, a cleared namespace, deletions, locks, and how far another node has come. */
async function fill(sqlitePath) {
  const node = createNode(resolveOptions({ sqlitePath }, {}));
  await node.start();
  const cache = node.cache('default');
  await cache.set('string', 'a "string" with \' and ä');
  await cache.set('number', 0.1);
  await cache.set('nothing', null);
  await cache.set('object', {
    list: [1, 2, 3],
    at: new Date(0),
    big: 2n ** 70n,
    set: new Set([1]),
  });
  await cache.set('bytes', Buffer.from([0, 1, 254, 255]));
  for (let id = 0; id < 5; id++) await cache.set(`small ${id}`, { id, list: [{ id }, 0] });
  await cache.set('until 2100', 'value', { ttl: Date.UTC(2100, 0, 1) - Date.now() });
  await cache.set('expired', 'value', { ttl: 1 });
  await cache.increment('counter', 41, 0);
  await cache.increment('counter', 1, 0);
  await cache.set('tagged', 1, { tags: ['red', 'round'] });
  await cache.set('tagged too', 2, { tags: ['red'] });
  await cache.set('tagged once', 3, { tags: ['red'] });
  await cache.set('tagged once', 4);
  await cache.set('deleted', 1);
  await cache.delete('deleted');
  const second = node.cache('second');
  await second.set('before', 1);
  await second.clear();
  await second.set('after', 2);
  if (node.locks !== undefined) {
    const { locks } = node;
    await locks.lock('held', { ttl: 60_000, owner: 'its owner' }).acquire();
    await locks.lock('free', { ttl: 60_000 }).run(() => undefined);
    await locks.lock('free', { ttl: 60_000 }).run(() => undefined);
    await locks.semaphore('semaphore', { ttl: 60_000, limit: 2 }).acquire();
  }
  await node.close();
  const database = new Database(join(sqlitePath, 'hypercache.sqlite'));
  database.exec("UPDATE meta SET value = 'another start' WHERE name = 'boot_id'");
  database.exec("INSERT INTO sources VALUES ('a secondary', 7, 1800000000000)");
  database.close();
}

async function away() {
  throw new Error('There is no primary.');
}

function primaryClient() {
  const url = 'http://127.0.0.1:1';
  return { url, exchange: away, feed: away, wait: away, close: () => undefined };
}

/** Writes of every kind, of two starts of a node whose primary cannot be reached, and one that was refused. */
async function fillOutbox(sqlitePath) {
  const start = async () => {
    const options = { role: 'secondary', primaryUrl: 'http://127.0.0.1:1', sqlitePath };
    const apiToken = randomBytes(32).toString('hex');
    const node = createNode(resolveOptions({ ...options, apiToken }, {}), { primaryClient });
    await node.start();
    return node;
  };
  const first = await start();
  const cache = first.cache('default');
  await cache.set('string', 'a "string" with \' and ä');
  await cache.set('number', 0.1);
  await cache.set('plain', { list: [1, 2, 3], name: 'ä' });
  await cache.set('object', { list: [1, 2, 3], at: new Date(0), big: 2n ** 70n });
  await cache.set('bytes', Buffer.from([0, 1, 254, 255]));
  await cache.set('until 2100', 'value', { ttl: Date.UTC(2100, 0, 1) - Date.now() });
  await cache.set('tagged', 1, { tags: ['red', 'round'] });
  await cache.delete('deleted');
  await first.cache('second').set('string', 'of the second');
  await first.close();
  const second = await start();
  await second.cache('default').set('of the next start', true);
  await second.close();
  const database = new Database(join(sqlitePath, 'hypercache.outbox.sqlite'));
  database.exec(`INSERT INTO dead_letters
    SELECT 1, 1800000000000, 'HC_VALUE_TOO_LARGE', 'It is too large.', command FROM outbox LIMIT 1`);
  database.close();
}

function dump(path, migrations) {
  const database = new Database(path, { readonly: true });
  const pragma = (name) => database.pragma(name, { simple: true });
  const objects = database
    .prepare(`SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid`)
    .all();
  const lines = [
    `-- Schema ${migrations.length}. Migration: ${fingerprint(migrations.at(-1))}`,
    `PRAGMA page_size = ${pragma('page_size')};`,
    `PRAGMA auto_vacuum = ${pragma('auto_vacuum')};`,
    `PRAGMA application_id = ${pragma('application_id')};`,
    `PRAGMA user_version = ${pragma('user_version')};`,
  ];
  for (const { sql } of objects.filter(isTable)) lines.push(`${sql};`);
  for (const { name } of objects.filter(isTable)) {
    const columns = database.pragma(`table_info(${name})`).map((column) => `quote(${column.name})`);
    const rows = database
      .prepare(`SELECT ${columns.join(`||', '||`)} FROM ${name}`)
      .pluck()
      .all();
    for (const row of rows) lines.push(`INSERT INTO ${name} VALUES (${row});`);
  }
  // After the rows, which are in the log already.
  for (const { sql } of objects.filter((object) => !isTable(object))) lines.push(`${sql};`);
  database.close();
  return `${lines.join('\n')}\n`;
}

function isTable({ type }) {
  return type === 'table';
}

/** The digest of what a migration does: comments and spaces mean nothing to SQLite. */
function fingerprint(sql) {
  const text = sql.replace(/--.*/g, '').replace(/\s+/g, ' ').trim();
  return createHash('sha256').update(text).digest('hex');
}
