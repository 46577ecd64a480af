import type { Provider } from '@nestjs/common';
import Database from 'better-sqlite3';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

export const CATALOG_DATABASE = Symbol('CATALOG_DATABASE');

/** CATALOG_PRODUCTS products in the file CATALOG_PATH, made at the first start; edits stay. */
export const catalogDatabase: Provider = {
  provide: CATALOG_DATABASE,
  useFactory: (): Database.Database => {
    const path = process.env['CATALOG_PATH'] ?? './storage/catalog.sqlite';
    mkdirSync(dirname(path), { recursive: true });
    const database = new Database(path);
    database.pragma('journal_mode = WAL');
    seed(database, Number(process.env['CATALOG_PRODUCTS'] ?? 20_000));
    return database;
  },
};

function seed(database: Database.Database, products: number): void {
  database.exec(`CREATE TABLE IF NOT EXISTS products (id INTEGER PRIMARY KEY, name TEXT,
    category TEXT, price_cents INTEGER, sold INTEGER, description TEXT)`);
  database
    .prepare(
      `WITH RECURSIVE ids (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM ids WHERE id < ?)
      INSERT OR IGNORE INTO products
      SELECT id, 'Product ' || id, 'category-' || (id % 40), 500 + (id * 7919) % 50000,
        (id * 104729) % 100003, 'Product ' || id || '. ' || ?
      FROM ids`,
    )
    .run(products, DESCRIPTION);
}

const DESCRIPTION =
  `Solid where it has to be and light where it may be. The frame is beech, oiled by hand,
the joints are dry and can be opened with one tool, which is in the box. Every part can be ordered on its own for
twenty years. Weigh it before you carry it upstairs, and keep the box: it is also the shelf.`.replaceAll(
    '\n',
    ' ',
  );
