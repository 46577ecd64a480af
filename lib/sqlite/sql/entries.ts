/**
 * When an entry stops being fresh. Without a window, the header of the row contains the answer. With one, the column
 * lies behind the value, and SQLite walks through a large value to reach it, so scans of the whole table leave it out.
 */
const FRESH = 'coalesce(fresh_until, expires_at)';

/** @internal */
export const entrySql = {
  find: `SELECT value, expires_at, ${FRESH} AS fresh_until, revision, id, tag_set FROM entries
    WHERE namespace_id = ? AND key = ?`,
  /** The first statement is for reads that keep the value, the second for those that only return it. */
  read: `SELECT value, expires_at, ${FRESH} AS fresh_until FROM entries
    WHERE namespace_id = ? AND key = ? AND expires_at > ?`,
  readValue: `SELECT value FROM entries WHERE namespace_id = ? AND key = ? AND ${FRESH} > ?`,
  /** Writes nothing if another process has written since the given revision. */
  upsertAlone: `INSERT INTO entries (id, namespace_id, key, revision, expires_at, tag_set, value, fresh_until)
    SELECT ?, ?, ?, ?, ?, 0, ?, ?
    WHERE (SELECT coalesce(max(revision), 0) FROM changes) = ?
    ON CONFLICT (namespace_id, key) DO UPDATE SET
      revision = excluded.revision, expires_at = excluded.expires_at,
      tag_set = excluded.tag_set, value = excluded.value, fresh_until = excluded.fresh_until`,
  upsert: `INSERT INTO entries (id, namespace_id, key, revision, expires_at, tag_set, value, fresh_until)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (namespace_id, key) DO UPDATE SET
      revision = excluded.revision, expires_at = excluded.expires_at,
      tag_set = excluded.tag_set, value = excluded.value, fresh_until = excluded.fresh_until`,
  updateValue: 'UPDATE entries SET revision = ?, value = ? WHERE id = ?',
  updateExpiry: 'UPDATE entries SET revision = ?, expires_at = ?, fresh_until = ? WHERE id = ?',
  updateRevision: 'UPDATE entries SET revision = ? WHERE id = ?',
  remove: `DELETE FROM entries WHERE namespace_id = ? AND key = ?
    RETURNING id, expires_at, ${FRESH} AS fresh_until, tag_set`,
  removeById: 'DELETE FROM entries WHERE id = ?',
  // A BLOB as the upper bound is above every TEXT, so the range has no end.
  page: `SELECT key, ${FRESH} AS fresh_until FROM entries
    WHERE namespace_id = ? AND key >= ? AND key < ? ORDER BY key LIMIT ?`,
  pageValues: `SELECT key, ${FRESH} AS fresh_until, value FROM entries
    WHERE namespace_id = ? AND key >= ? AND key < ? ORDER BY key LIMIT ?`,
  removable: `SELECT id, key, expires_at, ${FRESH} AS fresh_until, tag_set, revision AS written FROM entries
    WHERE namespace_id = ? AND key >= ? AND key < ? ORDER BY key LIMIT ?`,
  ofNamespace: 'SELECT id, tag_set FROM entries WHERE namespace_id = ? LIMIT ?',
  after: `SELECT id, namespace_id, key, expires_at, tag_set FROM entries
    WHERE id > ? ORDER BY id LIMIT ?`,
  /** Whether a row is stale, only for rows with a small value. */
  isStale: `SELECT 1 FROM entries WHERE id = ? AND octet_length(value) <= 16384 AND fresh_until <= ?`,
  rowsAfter: `SELECT id, key, value, expires_at, ${FRESH} AS fresh_until, revision, tag_set FROM entries
    WHERE namespace_id = ? AND key > ? ORDER BY key LIMIT ?`,
  /** Entries whose revision still equals that of the log, by revision. */
  changedIn: `SELECT c.revision, e.value, e.expires_at, ${FRESH} AS fresh_until, e.id, e.tag_set FROM changes c
    JOIN entries e ON e.namespace_id = c.namespace_id AND e.key = c.key AND e.revision = c.revision
    WHERE c.revision > ? AND c.revision <= ? AND c.kind = 0 ORDER BY c.revision`,
  /** For a large value, only its length counts. */
  fingerprints: `SELECT key, revision, expires_at, ${FRESH} AS fresh_until,
      CASE WHEN octet_length(value) <= 1024 THEN value ELSE octet_length(value) END AS value FROM entries
    WHERE namespace_id = ? AND key > ? AND key <= ? ORDER BY key LIMIT ?`,
  lastId: 'SELECT max(id) FROM entries',
  countByNamespace: 'SELECT namespace_id, count(*) FROM entries GROUP BY namespace_id',
} as const;
