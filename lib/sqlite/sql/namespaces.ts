/** @internal */
export const namespaceSql = {
  all: 'SELECT name, id FROM namespaces',
  put: `INSERT INTO namespaces (name, id) VALUES (?, ?)
    ON CONFLICT (name) DO UPDATE SET id = excluded.id`,
  lastId: `SELECT max(id) FROM (SELECT id FROM namespaces UNION ALL SELECT id FROM cleared_namespaces
    UNION ALL SELECT max(namespace_id) FROM entries)`,
  addCleared: 'INSERT OR IGNORE INTO cleared_namespaces (id) VALUES (?)',
  firstCleared: 'SELECT min(id) FROM cleared_namespaces',
  removeCleared: 'DELETE FROM cleared_namespaces WHERE id = ?',
} as const;
