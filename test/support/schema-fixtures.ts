import { describe, expect, it } from '@jest/globals';
import type Database from 'better-sqlite3';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** How a fixture that is missing is made. */
const HOW = 'Make it: npm run build && node scripts/schema-fixture.mjs';

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

  /** That there is one of each version, and that no version has changed since. */
  describeReleases(): void {
    const { versions } = this;
    describe('as released', () => {
      it('have a file of each version to be tested on', () => {
        const files = this.#files();
        expect({ HOW, files }).toEqual({ HOW, files: versions.map((version) => `${version}.sql`) });
      });

      it.each(versions)('are of version %d what they were', (version) => {
        const { released, now } = this.#fingerprints(version);
        expect(now).toBe(released);
      });
    });
  }

  sql(version: number): string {
    return readFileSync(join(this.#directory, `${version}.sql`), 'utf8');
  }

  #files(): string[] {
    return readdirSync(this.#directory).toSorted();
  }

  /** The fingerprint of a migration as it was released, and as it is. */
  #fingerprints(version: number): { released: string | undefined; now: string } {
    const [, released] = /Migration: ([0-9a-f]{64})/.exec(this.sql(version)) ?? [];
    const migration = withoutComments(this.migrations[version - 1] ?? '');
    return { released, now: createHash('sha256').update(migration).digest('hex') };
  }
}

/** What a file consists of. */
export function schemaOf(database: Database.Database): string[] {
  return database
    .prepare('SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name')
    .pluck()
    .all()
    .map((sql) => withoutComments(String(sql)));
}

/** Comments and spaces are nothing to SQLite. */
function withoutComments(sql: string): string {
  return sql.replaceAll(/--.*/g, '').replaceAll(/\s+/g, ' ').trim();
}
