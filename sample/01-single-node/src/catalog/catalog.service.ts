import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { Database } from 'better-sqlite3';
import { setTimeout as delay } from 'node:timers/promises';
import { CATALOG_DATABASE } from './catalog.database.js';
import type { Product, ProductEdit } from './product.js';

const COLUMNS = 'id, name, category, price_cents AS priceCents, sold, description';

/** The slow origin: a table of products that takes ORIGIN_DELAY_MS longer to read than it should. */
@Injectable()
export class CatalogService implements OnApplicationShutdown {
  readonly #delayMs = Number(process.env['ORIGIN_DELAY_MS'] ?? 50);
  #reads = 0;

  constructor(@Inject(CATALOG_DATABASE) private readonly database: Database) {}

  /** How often the catalog was read since the start: the cache is there to avoid this. */
  get reads(): number {
    return this.#reads;
  }

  get products(): number {
    return Number(this.database.prepare('SELECT count(*) FROM products').pluck().get());
  }

  async find(id: number): Promise<Product | undefined> {
    await this.#beSlow();
    return this.database
      .prepare<[number], Product>(`SELECT ${COLUMNS} FROM products WHERE id = ?`)
      .get(id);
  }

  async bestsellers(limit: number): Promise<Product[]> {
    await this.#beSlow();
    return this.database
      .prepare<[number], Product>(`SELECT ${COLUMNS} FROM products ORDER BY sold DESC, id LIMIT ?`)
      .all(limit);
  }

  /** Resolves to whether there is such a product. */
  async update(id: number, { name, priceCents }: ProductEdit): Promise<boolean> {
    const { changes } = this.database
      .prepare(
        'UPDATE products SET name = ifnull(?, name), price_cents = ifnull(?, price_cents) WHERE id = ?',
      )
      .run(name, priceCents, id);
    return changes > 0;
  }

  onApplicationShutdown(): void {
    this.database.close();
  }

  async #beSlow(): Promise<void> {
    this.#reads++;
    await delay(this.#delayMs);
  }
}
