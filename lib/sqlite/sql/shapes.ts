/** @internal */
export const shapeSql = {
  all: 'SELECT id, names FROM shapes ORDER BY id',
  idOf: 'SELECT id FROM shapes WHERE names = ?',
  has: 'SELECT 1 FROM shapes WHERE id = ? AND names = ?',
  count: 'SELECT count(*) FROM shapes',
  lastId: 'SELECT max(id) FROM shapes',
  put: 'INSERT OR REPLACE INTO shapes (id, names) VALUES (?, ?)',
} as const;
