/** @internal */
export const metaSql = {
  read: 'SELECT value FROM meta WHERE name = ?',
  write: 'INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)',
  remove: 'DELETE FROM meta WHERE name = ?',
} as const;
