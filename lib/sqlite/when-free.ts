import { setTimeout as delay } from 'node:timers/promises';
import { isBusy } from './sqlite-error.js';

/** Pause before the next attempt, in ms. */
const BUSY_RETRY_MS = 1;

/** @internal */
export interface Patience {
  /** How long another connection may lock the file, in ms. */
  readonly timeoutMs: number;
  /** Aborts the wait. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs `write`, which does nothing when the file is locked. It runs immediately, or as soon as the lock is free,
 * without holding the event loop. Returns a promise only when it has to wait.
 *
 * @throws what `write` throws; SQLITE_BUSY when the time is over
 * @internal
 */
export function whenFree(write: () => void, patience: Patience): Promise<void> | undefined {
  try {
    write();
    return undefined;
  } catch (error) {
    if (!isBusy(error)) throw error;
  }
  return tryAgain(write, patience);
}

async function tryAgain(write: () => void, { timeoutMs, signal }: Patience): Promise<void> {
  const deadline = AbortSignal.timeout(timeoutMs);
  for (;;) {
    await delay(BUSY_RETRY_MS, undefined, { ref: false, signal });
    try {
      write();
      return;
    } catch (error) {
      if (!isBusy(error) || deadline.aborted) throw error;
    }
  }
}
