/** @internal */
export const runSql = {
  find: `SELECT id, slot, started_at AS startedAt, finished_at AS finishedAt, ok, node FROM runs
    WHERE name = ?`,
  newest: `SELECT name, id, slot, started_at AS startedAt, finished_at AS finishedAt, ok, node FROM runs
    ORDER BY started_at DESC LIMIT ?`,
  begin: `INSERT OR REPLACE INTO runs (name, id, slot, started_at, finished_at, ok, node)
    VALUES (?, ?, ?, ?, NULL, NULL, ?)`,
  finish: 'UPDATE runs SET finished_at = ?, ok = ? WHERE name = ? AND id = ?',
  /** Removes the runs that began first, beyond this many. */
  forget: `DELETE FROM runs WHERE name IN (
    SELECT name FROM runs ORDER BY started_at LIMIT max(0, (SELECT count(*) FROM runs) - ?))`,
} as const;
