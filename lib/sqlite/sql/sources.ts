/** @internal */
export const sourceSql = {
  last: 'SELECT sequence FROM sources WHERE id = ?',
  /** Includes the head of the log at the same moment. */
  all: 'SELECT id, sequence, (SELECT max(revision) FROM changes) AS head FROM sources',
  mark: `INSERT INTO sources (id, sequence, seen_at) VALUES (?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET sequence = max(sequence, excluded.sequence), seen_at = excluded.seen_at`,
  forget: 'DELETE FROM sources WHERE seen_at < ?',
  log: 'INSERT OR REPLACE INTO source_log (revision, source, sequence, count) VALUES (?, ?, ?, ?)',
  logged: `SELECT revision, source, sequence, count FROM source_log
    WHERE revision > ? AND revision <= ? AND revision + count > ? ORDER BY revision`,
  trimLog: `DELETE FROM source_log WHERE revision <= ?
    AND revision < (SELECT min(revision) FROM source_log) + ?`,
} as const;
