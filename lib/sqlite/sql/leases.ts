/** @internal */
export const leaseSql = {
  /** Takes the slot if it is free or expired. The token grows over all slots of the name and starts with the epoch. */
  take: `INSERT INTO leases (kind, name, slot, owner, token, ttl, expires_at)
    VALUES (:kind, :name, :slot, :owner,
      max(:base, coalesce((SELECT value FROM meta WHERE name = 'lease_floor'), 0),
        coalesce((SELECT max(token) FROM leases WHERE kind = :kind AND name = :name), 0)) + 1,
      :ttl, :now + :ttl)
    ON CONFLICT (kind, name, slot) DO UPDATE SET
      owner = excluded.owner, token = excluded.token, ttl = excluded.ttl, expires_at = excluded.expires_at
    WHERE leases.owner IS NULL OR leases.expires_at <= :now
    RETURNING token, expires_at`,
  extend: `UPDATE leases SET ttl = :ttl, expires_at = :now + :ttl
    WHERE kind = :kind AND name = :name AND owner = :owner AND expires_at > :now
    RETURNING token, expires_at`,
  release: `UPDATE leases SET owner = NULL, expires_at = :now
    WHERE kind = :kind AND name = :name AND owner = :owner AND expires_at > :now`,
  releaseAll: `UPDATE leases SET owner = NULL, expires_at = :now
    WHERE kind = :kind AND name = :name AND owner IS NOT NULL AND expires_at > :now`,
  /** Removes a lease that has no fencing tokens. */
  drop: `DELETE FROM leases
    WHERE kind = :kind AND name = :name AND owner = :owner AND expires_at > :now`,
  holders: `SELECT slot, owner, token, ttl, expires_at FROM leases
    WHERE kind = ? AND name = ? AND owner IS NOT NULL AND expires_at > ? ORDER BY slot`,
  heldSlots: `SELECT slot FROM leases
    WHERE kind = ? AND name = ? AND owner IS NOT NULL AND expires_at > ?`,
  nextExpiry: `SELECT min(expires_at) FROM leases
    WHERE kind = ? AND name = ? AND owner IS NOT NULL AND expires_at > ?`,
  heldBy: `SELECT token, expires_at FROM leases
    WHERE kind = ? AND name = ? AND owner = ? AND expires_at > ?`,
  /** For a forgotten lease, only an upper bound is known. */
  lastToken: `SELECT coalesce((SELECT max(token) FROM leases WHERE kind = ? AND name = ?),
    (SELECT value FROM meta WHERE name = 'lease_floor'), 0)`,
  /** Leaves out the rights to call factories, which are not locks of the application. */
  list: `SELECT kind, name, slot, owner, token, ttl, expires_at FROM leases
    WHERE kind < 2 AND owner IS NOT NULL AND expires_at > ? ORDER BY kind, name, slot LIMIT ?`,
  /** Reads only this many rows: free leases keep their rows for a while. */
  countHeld: `SELECT count(*) FROM (SELECT owner, expires_at FROM leases WHERE kind < 2 LIMIT ?)
    WHERE owner IS NOT NULL AND expires_at > ?`,
  /** After a start it is unknown how long the process was away, so a live lease gets its full ttl again. */
  renewAll: `UPDATE leases SET expires_at = :now + ttl
    WHERE owner IS NOT NULL AND (expires_at > :now OR :anew)`,
  countKnown: 'SELECT count(*) FROM (SELECT 1 FROM leases LIMIT ?)',
  page: `SELECT kind, name, slot FROM leases
    WHERE (kind, name, slot) > (?, ?, ?) ORDER BY kind, name, slot LIMIT ?`,
  /**
   * Removes the rows of a page that ended long enough ago. Rights to call factories fence nothing, and are removed as
   * soon as they end.
   */
  forget: `DELETE FROM leases WHERE (kind, name, slot) > (?, ?, ?) AND (kind, name, slot) <= (?, ?, ?)
    AND expires_at <= iif(kind < 2, :before, :now) RETURNING iif(kind < 2, token, 0)`,
  raiseFloor: `INSERT INTO meta (name, value) VALUES ('lease_floor', ?)
    ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)`,
  enqueue: `INSERT INTO lease_waiters (kind, name, owner, ttl, slots, deadline, process)
    VALUES (?, ?, ?, ?, ?, ?, ?)`,
  nextWaiter: `SELECT id, owner, ttl, slots, deadline, process FROM lease_waiters
    WHERE kind = ? AND name = ? ORDER BY id LIMIT 1`,
  removeWaiter: 'DELETE FROM lease_waiters WHERE id = ?',
  cancelWait: 'DELETE FROM lease_waiters WHERE owner = ? AND kind = ? AND name = ?',
  isWaiting: 'SELECT 1 FROM lease_waiters WHERE owner = ? AND kind = ? AND name = ?',
  dropWaitersOf: 'DELETE FROM lease_waiters WHERE process = ?',
} as const;

/** @internal */
export const processSql = {
  all: 'SELECT id FROM processes',
  leave: 'DELETE FROM processes WHERE id = ?',
  beat: `INSERT INTO processes (id, alive_until) VALUES (?, ?)
    ON CONFLICT (id) DO UPDATE SET alive_until = excluded.alive_until`,
  other: 'SELECT 1 FROM processes WHERE id <> ? LIMIT 1',
  isAlive: 'SELECT 1 FROM processes WHERE id = ? AND alive_until > ?',
} as const;
