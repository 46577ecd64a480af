/** @internal */
export const sourceSql = {
  last: 'SELECT sequence FROM sources WHERE id = ?',
  mark: `INSERT INTO sources (id, sequence, seen_at) VALUES (?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET sequence = excluded.sequence, seen_at = excluded.seen_at`,
  forget: 'DELETE FROM sources WHERE seen_at < ?',
} as const;
