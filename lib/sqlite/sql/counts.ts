/** The number of rows of each namespace; namespace 0 means all of them. @internal */
export const countSql = {
  of: 'SELECT count FROM entry_counts WHERE namespace_id = ?',
  all: 'SELECT namespace_id, count FROM entry_counts WHERE namespace_id > 0',
  add: `INSERT INTO entry_counts (namespace_id, count) VALUES (?, ?)
    ON CONFLICT (namespace_id) DO UPDATE SET count = count + excluded.count`,
  write: 'INSERT OR REPLACE INTO entry_counts (namespace_id, count) VALUES (?, ?)',
  forgetEmpty: 'DELETE FROM entry_counts WHERE namespace_id = ? AND namespace_id > 0 AND count = 0',
  forgetAll: 'DELETE FROM entry_counts',
} as const;
