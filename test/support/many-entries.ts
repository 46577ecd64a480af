import Database from 'better-sqlite3';
import { join } from 'node:path';
import { DROP_LOG_TRIGGERS, LOG_TRIGGERS } from '../../lib/sqlite/sql/schema.js';

const FILL = `WITH RECURSIVE numbers (number) AS
    (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < :count)
  INSERT INTO entries (namespace_id, key, revision, expires_at, tag_set, value)
  SELECT namespaces.id, printf('key:%07d', number), :revision, 9e999, 0, 'value'
  FROM numbers JOIN namespaces WHERE namespaces.name = 'default'`;
const COUNT = `UPDATE entry_counts SET count = count + :count
  WHERE namespace_id IN (SELECT 0 UNION SELECT id FROM namespaces WHERE name = 'default')`;

/**
 * Puts `key:0000001` and so on into the default namespace of a file that no process has open: a million in some seconds,
 * which the cache itself would take a minute for. At least one entry has to be in it already.
 */
export function fillFile(directory: string, count: number): void {
  const file = new Database(join(directory, 'hypercache.sqlite'));
  try {
    const revision = file.prepare('SELECT max(revision) FROM entries').pluck().get();
    file.transaction(() => {
      file.exec(DROP_LOG_TRIGGERS);
      file.prepare(FILL).run({ count, revision });
      file.prepare(COUNT).run({ count });
      file.exec(LOG_TRIGGERS);
    })();
  } finally {
    file.close();
  }
}
