import { MAX_TIMER_MS } from './limits.js';
/**
 * Keeps the process going until a promise is settled that a caller awaits, whatever it waits for. Timers that only look after
 * things let the process end.
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
