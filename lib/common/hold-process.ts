/** The longest time of a timer: 24 days. */
const LONGEST_MS = 2_147_483_647;

/**
 * Keeps the process going until a promise is settled that a caller awaits, whatever it waits for. Timers that only look after
 * things let the process end.
 *
 * @internal
 */
export async function holdProcess<T>(awaited: Promise<T>): Promise<T> {
  const timer = setInterval(() => undefined, LONGEST_MS);
  try {
    return await awaited;
  } finally {
    clearInterval(timer);
  }
}
