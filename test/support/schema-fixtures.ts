import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** How a fixture that is missing is made. */
export const HOW = 'Make it: npm run build && node scripts/schema-fixture.mjs';

/** What each released version has made of a kind of file, as SQL. */
export class SchemaFixtures {
  readonly versions: readonly number[];
  readonly #directory: string;

  /** @param folder of `test/fixtures` */
  constructor(
    folder: 'schema' | 'outbox',
    private readonly migrations: readonly string[],
  ) {
    this.#directory = join(import.meta.dirname, '../fixtures', folder);
    this.versions = migrations.map((_, i) => i + 1);
  }

  files(): string[] {
    return readdirSync(this.#directory).toSorted();
  }

  sql(version: number): string {
    return readFileSync(join(this.#directory, `${version}.sql`), 'utf8');
  }

  /** The fingerprint of a migration as it was released, and as it is. */
  fingerprints(version: number): { released: string | undefined; now: string } {
    const [, released] = /Migration: ([0-9a-f]{64})/.exec(this.sql(version)) ?? [];
    const migration = withoutComments(this.migrations[version - 1] ?? '');
    return { released, now: createHash('sha256').update(migration).digest('hex') };
  }
}

/** Comments and spaces are nothing to SQLite. */
export function withoutComments(sql: string): string {
  return sql.replaceAll(/--.*/g, '').replaceAll(/\s+/g, ' ').trim();
}
