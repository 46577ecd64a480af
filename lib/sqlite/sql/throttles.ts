/** @internal */
export const throttleSql = {
  find: `SELECT id, hits, period_end, block_until, ttl, block FROM throttles
    WHERE key = ? AND name = ?`,
  insert: `INSERT INTO throttles (key, name, hits, period_end, block_until, ttl, block, expires_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  update: `UPDATE throttles SET hits = ?, period_end = ?, block_until = ?, ttl = ?, block = ?, expires_at = ?
    WHERE id = ?`,
  remove: 'DELETE FROM throttles WHERE key = ? AND name = ?',
  removeAll: 'DELETE FROM throttles WHERE key = ?',
  /** The last id of a page of rows, their number, and their bytes without SQLite's overhead. */
  page: `SELECT max(id) AS last, count(*) AS rows, coalesce(sum(bytes), 0) AS bytes FROM (
    SELECT id, 2 * (octet_length(key) + octet_length(name)) + octet_length(hits) AS bytes FROM throttles
    WHERE id > ? ORDER BY id LIMIT ?)`,
  /** Removes the rows of a page that have ended. */
  forgetEnded: 'DELETE FROM throttles WHERE id > ? AND id <= ? AND expires_at <= ?',
  /** Removes the rows of a page that end first. */
  forgetFirst: `DELETE FROM throttles WHERE id IN (
    SELECT id FROM throttles WHERE id > ? AND id <= ? ORDER BY expires_at LIMIT ?)`,
} as const;
