import { setTimeout as delay } from 'node:timers/promises';
import { isBusy } from './sqlite-error.js';

/** Until it is tried again. */
const BUSY_RETRY_MS = 1;

/** @internal */
export interface Patience {
  /** How long another connection may have the file locked, in ms. */
  readonly timeoutMs: number;
  /** Aborts the waiting. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs `write`, which does nothing when the file is locked: at once, or as soon as it is not locked any more, without
 * holding the event loop. A promise is only returned when it has to be waited for.
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
