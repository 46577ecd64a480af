import { afterEach, beforeEach, jest } from '@jest/globals';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Everything but Date: timers and the event loop stay real. */
const REAL = [
  'hrtime',
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

/** Stops `Date` for every test of the block, for code that reads the machine's clock itself. */
export function useFrozenDate(): void {
  beforeEach(async () => {
    jest.useFakeTimers({ doNotFake: [...REAL], now: START });
    await nextTurn();
  });
  afterEach(async () => {
    jest.useRealTimers();
    await nextTurn();
  });
}

/** Moves the stopped `Date`. The system clock reads it once per turn, hence the wait for the next one. */
export async function advanceDate(ms: number): Promise<void> {
  jest.setSystemTime(Date.now() + ms);
  await nextTurn();
}
