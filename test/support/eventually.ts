import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 2;

/** Repeats the assertions until they hold; after the deadline it fails as they do. */
export async function eventually<T>(
  assertions: () => T | Promise<T>,
  { timeoutMs = 10_000 } = {},
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await assertions();
    } catch (error) {
      if (performance.now() >= deadline) throw error;
      await delay(POLL_MS);
    }
  }
}
