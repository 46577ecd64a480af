/** @internal */
export const tagSql = {
  add: 'INSERT OR REPLACE INTO tags (namespace_id, tag, entry_id, tag_set) VALUES (?, ?, ?, ?)',
  removeOfEntry: 'DELETE FROM tags WHERE entry_id = ? RETURNING octet_length(tag)',
  ofEntry: 'SELECT tag FROM tags WHERE entry_id = ? AND tag_set = ?',
  /** Includes rows of earlier lives, without a key, so that a limit bounds the rows read. */
  tagged: `SELECT tags.entry_id AS id, tags.tag_set, tags.tag_set AS written, entries.key, entries.expires_at,
      coalesce(entries.fresh_until, entries.expires_at) AS fresh_until
    FROM tags LEFT JOIN entries ON entries.id = tags.entry_id AND entries.tag_set = tags.tag_set
    WHERE tags.namespace_id = ? AND tags.tag = ? AND tags.entry_id > ? ORDER BY tags.entry_id LIMIT ?`,
  page: `SELECT entry_id, tag_set, namespace_id, tag FROM tags
    WHERE (namespace_id, tag, entry_id) > (?, ?, ?)
    ORDER BY namespace_id, tag, entry_id LIMIT ?`,
  isCurrent: 'SELECT 1 FROM entries WHERE id = ? AND tag_set = ?',
  remove: 'DELETE FROM tags WHERE namespace_id = ? AND tag = ? AND entry_id = ?',
} as const;
