import type { Connection } from './native.js';
import { errnoOf } from './open-connection.js';
import { leaseSql, processSql } from './sql/leases.js';

/** @internal */
export interface JoiningProcess {
  readonly processId: string;
  /** '' where it cannot be told. */
  readonly bootId: string;
  /** The machine has not started again since the file was last opened. */
  readonly isSameBoot: boolean;
  /** Monotonic ms. */
  readonly now: number;
}

/** @internal */
export interface Membership {
  /** Nobody had the file open, and nobody had left it without a word. */
  readonly wasClean: boolean;
  readonly leave: () => void;
  /** Whether others have the file open, or have left it without a word. Says so again that this one has. */
  readonly isShared: () => boolean;
}

/**
 * Notes that this process has the file open and forgets those that are gone. If nobody was left, every live
 * lease gets its full ttl again. Inside a transaction.
 *
 * @internal
 */
export function joinProcesses(connection: Connection, joining: JoiningProcess): Membership {
  const { processId, bootId, isSameBoot, now } = joining;
  const leave = connection.prepare(processSql.leave);
  const dropWaiters = connection.prepare(leaseSql.dropWaitersOf);
  const known = connection.prepare(processSql.all).all() as {
    id: string;
    pid: number;
    alive_until: number;
  }[];
  let isAlone = true;
  for (const { id, pid, alive_until } of known) {
    const isAlive = (pid !== process.pid && isRunning(pid)) || alive_until > now;
    if (isSameBoot && isAlive) {
      isAlone = false;
      continue;
    }
    leave.run(id);
    dropWaiters.run(id);
  }
  const beat = connection.prepare(processSql.beat);
  beat.run(processId, process.pid, bootId, now);
  const ids = connection.prepare(processSql.ids).pluck();
  // Where others stayed, time went on: one that keeps crashing must not hold the leases of the dead.
  if (isAlone) connection.prepare(leaseSql.renewAll).run({ now, anew: isSameBoot ? 0 : 1 });
  return {
    wasClean: known.length === 0,
    leave: () => {
      leave.run(processId);
      dropWaiters.run(processId);
    },
    isShared: () => {
      const open = ids.all();
      if (!open.includes(processId)) beat.run(processId, process.pid, bootId, now);
      return open.some((id) => id !== processId);
    },
  };
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs, under another user.
    return errnoOf(error) === 'EPERM';
  }
}
