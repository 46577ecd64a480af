import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';

/**
 * Resolves when the background work of nodes with `sweepInterval: 1` has had its turn. For tests that hold whether
 * it ran or not, and want it to.
 */
export async function backgroundRound(): Promise<void> {
  await delay(1);
  for (let i = 0; i < 16; i++) await nextTurn();
  await delay(1);
}
