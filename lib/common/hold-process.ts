import { MAX_TIMER_MS } from './limits.js';
/**
 * Keeps the process alive until a promise that a caller awaits is settled, whatever it waits for. Housekeeping timers alone
 * let the process end.
 *
 * @internal
 */
export async function holdProcess<T>(awaited: Promise<T>): Promise<T> {
  const timer = setInterval(() => undefined, MAX_TIMER_MS);
  try {
    return await awaited;
  } finally {
    clearInterval(timer);
  }
}
