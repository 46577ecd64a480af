/** What operators read, in pages. @internal */
export const listingSql = {
  page: `SELECT id, key, coalesce(fresh_until, expires_at) AS fresh_until, revision, tag_set, octet_length(value) AS bytes FROM entries
    WHERE namespace_id = ? AND key > ? AND key >= ? AND key < ? ORDER BY key LIMIT ?`,
  pageValues: `SELECT id, key, coalesce(fresh_until, expires_at) AS fresh_until, revision, tag_set, octet_length(value) AS bytes, value FROM entries
    WHERE namespace_id = ? AND key > ? AND key >= ? AND key < ? ORDER BY key LIMIT ?`,
  /** With the revision of the entry as it is now. */
  changes: `SELECT c.revision, c.namespace_id, c.kind, c.key, e.revision AS entry_revision FROM changes c
    LEFT JOIN entries e ON c.kind = 0 AND e.namespace_id = c.namespace_id AND e.key = c.key
    WHERE c.revision > ? ORDER BY c.revision LIMIT ?`,
} as const;
