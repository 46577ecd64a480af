import { afterAll, beforeAll, jest } from '@jest/globals';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Everything but the clocks: timers and the event loop stay real. */
const REAL = [
  'nextTick',
  'performance',
  'queueMicrotask',
  'setImmediate',
  'clearImmediate',
  'setInterval',
  'clearInterval',
  'setTimeout',
  'clearTimeout',
] as const;

const START = Date.UTC(2026, 0, 1);

/**
 * Stops the clocks for all tests of the block, for code that reads those of the machine itself. Between two tests they
 * stay as they are: a node of both would notice a monotonic clock that begins anew.
 */
export function useFrozenDate(): void {
  beforeAll(async () => {
    jest.useFakeTimers({ doNotFake: [...REAL], now: START });
    await nextTurn();
  });
  afterAll(async () => {
    jest.useRealTimers();
    await nextTurn();
  });
}

/** Moves the stopped clocks: time passes. The system clock reads it once per turn, hence the wait for the next one. */
export async function advanceDate(ms: number): Promise<void> {
  jest.advanceTimersByTime(ms);
  await nextTurn();
}
