/**
 * What operators read, in pages. Each range has one start, `max`: given two, SQLite would use the first it finds, and
 * walk.
 *
 * @internal
 */
export const listingSql = {
  page: `SELECT id, key, coalesce(fresh_until, expires_at) AS fresh_until, revision, tag_set, octet_length(value) AS bytes FROM entries
    WHERE namespace_id = ? AND key >= max(?, ?) AND key < ? ORDER BY key LIMIT ?`,
  pageValues: `SELECT id, key, coalesce(fresh_until, expires_at) AS fresh_until, revision, tag_set, octet_length(value) AS bytes, value FROM entries
    WHERE namespace_id = ? AND key >= max(?, ?) AND key < ? ORDER BY key LIMIT ?`,
  /** Jumps from one tag to the next by the index, however many entries each has. */
  tags: `WITH RECURSIVE names (tag, left) AS (
      SELECT (SELECT min(tag) FROM tags WHERE namespace_id = :namespaceId AND tag >= max(:from, :prefix) AND tag < :end), :limit
      UNION ALL
      SELECT (SELECT min(tag) FROM tags WHERE namespace_id = :namespaceId AND tag > names.tag AND tag < :end), left - 1
      FROM names WHERE names.tag IS NOT NULL AND left > 1)
    SELECT tag FROM names WHERE tag IS NOT NULL`,
  /** Counts the valid rows among a limited number of rows. */
  countTagged: `SELECT count(*) FROM
    (SELECT entry_id, tag_set FROM tags WHERE namespace_id = ? AND tag = ? LIMIT ?) AS some
    JOIN entries ON entries.id = some.entry_id AND entries.tag_set = some.tag_set`,
  tagged: `SELECT id, key, coalesce(fresh_until, expires_at) AS fresh_until, revision, entries.tag_set, octet_length(value) AS bytes
    FROM tags JOIN entries ON entries.id = tags.entry_id AND entries.tag_set = tags.tag_set
    WHERE tags.namespace_id = ? AND tags.tag = ? AND tags.entry_id > ? ORDER BY tags.entry_id LIMIT ?`,
  /** Includes the revision of the current entry. */
  changes: `SELECT c.revision, c.namespace_id, c.kind, c.key, e.revision AS entry_revision FROM changes c
    LEFT JOIN entries e ON c.kind = 0 AND e.namespace_id = c.namespace_id AND e.key = c.key
    WHERE c.revision > ? ORDER BY c.revision LIMIT ?`,
} as const;
