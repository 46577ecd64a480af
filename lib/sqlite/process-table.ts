import { readFileSync } from 'node:fs';
import type { Connection } from './native.js';
import { errnoOf } from '../common/errno.js';
import { leaseSql, processSql } from './sql/leases.js';

/** Index of the start time among the fields behind the name (proc(5): the 22nd of all). */
const START_TIME_FIELD = 19;

/** @internal */
export interface JoiningProcess {
  readonly processId: string;
  /** '' where it is unknown. */
  readonly bootId: string;
  /** The machine has not restarted since the file was last opened. */
  readonly isSameBoot: boolean;
  /** Monotonic ms. */
  readonly now: number;
}

/** @internal */
export interface Membership {
  /** No process had the file open, and none had left it without a clean stop. */
  readonly wasClean: boolean;
  /** Whether other processes certainly have the file open. */
  readonly isJoining: boolean;
  readonly lifetime: string;
  readonly leave: () => void;
  /**
   * Whether other processes have the file open, or have left it without a clean stop. Also renews the note that this
   * process has it open.
   */
  readonly isShared: () => boolean;
}

/**
 * Records that this process has the file open, and forgets processes that are gone. When none is left, every live lease
 * gets its full ttl again. Called inside a transaction.
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
    boot_id: string;
    alive_until: number;
  }[];
  let isAlone = true;
  let isJoining = false;
  for (const { id, pid, boot_id: lifetime, alive_until } of known) {
    const runs = pid !== process.pid && isRunning(pid);
    const isAlive = runs || alive_until > now;
    isJoining ||= runs && isSameBoot && lifetime === lifetimeOf(bootId, pid);
    if (isSameBoot && isAlive) {
      isAlone = false;
      continue;
    }
    leave.run(id);
    dropWaiters.run(id);
  }
  const beat = connection.prepare(processSql.beat);
  const lifetime = lifetimeOf(bootId, process.pid);
  beat.run(processId, process.pid, lifetime, now);
  const ids = connection.prepare(processSql.ids).pluck();
  // While others stayed, time continued. A process that keeps crashing must not prolong the leases of dead ones.
  if (isAlone) connection.prepare(leaseSql.renewAll).run({ now, anew: isSameBoot ? 0 : 1 });
  return {
    wasClean: known.length === 0,
    isJoining,
    lifetime,
    leave: () => {
      leave.run(processId);
      dropWaiters.run(processId);
    },
    isShared: () => {
      const open = ids.all();
      if (!open.includes(processId)) beat.run(processId, process.pid, lifetime, now);
      return open.some((id) => id !== processId);
    },
  };
}

/** Distinguishes a process from a later one with the same pid, as far as the system allows. */
function lifetimeOf(bootId: string, pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name is in parentheses and may contain anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return `${bootId} ${fields[START_TIME_FIELD] ?? ''}`;
  } catch {
    return bootId;
  }
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
