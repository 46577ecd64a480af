/** @internal */
export const changeSql = {
  append: 'INSERT INTO changes VALUES (?, ?, ?, ?)',
  head: 'SELECT max(revision) FROM changes',
  oldest: 'SELECT min(revision) FROM changes',
  since:
    'SELECT revision, namespace_id, kind, key FROM changes WHERE revision > ? ORDER BY revision',
  page: 'SELECT revision, namespace_id, kind, key FROM changes WHERE revision > ? ORDER BY revision LIMIT ?',
  /**
   * Finds changes that a fill of one key must yield to: of the key, its namespace, a prefix of it, or one of its tags.
   * (length() ends at a NUL, instr() does not.)
   */
  conflict: `SELECT 1 FROM changes WHERE revision > :seen AND namespace_id = :namespace AND (
      (kind = 0 AND key = :key) OR kind = 1 OR
      (kind = 2 AND instr(:key, key) = 1) OR
      (kind = 3 AND EXISTS (SELECT 1 FROM json_each(:tags) WHERE value = changes.key))
    ) LIMIT 1`,
  /** Computed from the rows at both ends. */
  averageKeyBytes: `SELECT avg(octet_length(key)) FROM (
    SELECT key FROM (SELECT key FROM changes ORDER BY revision LIMIT 32) UNION ALL
    SELECT key FROM (SELECT key FROM changes ORDER BY revision DESC LIMIT 32))`,
  trim: 'DELETE FROM changes WHERE revision <= ?',
  mark: 'INSERT OR REPLACE INTO change_marks VALUES (?, ?)',
  lastMarkBefore: 'SELECT max(revision) FROM change_marks WHERE at <= ?',
  trimMarks:
    'DELETE FROM change_marks WHERE revision <= ? AND revision < (SELECT max(revision) FROM change_marks)',
} as const;
