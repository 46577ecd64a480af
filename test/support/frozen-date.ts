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
    isFrozen = true;
    await nextTurn();
    await tellFollowers(true);
  });
  afterAll(async () => {
    isFrozen = false;
    jest.useRealTimers();
    await nextTurn();
    await tellFollowers(true);
  });
}

/** Moves the stopped clocks: time passes. The system clock reads it once per turn, hence the wait for the next one. */
export async function advanceDate(ms: number): Promise<void> {
  jest.advanceTimersByTime(ms);
  await tellFollowers(false);
  await nextTurn();
}

let isFrozen = false;
type Follower = (now: number, isStep: boolean) => void | Promise<void>;
const followers: Follower[] = [];

/** Where the clocks stand still; 0 while they go on. */
export function frozenDate(): number {
  return isFrozen ? Date.now() : 0;
}

/** Called as {@link frozenDate} changes: for the clocks of servers. `isStep` when the clocks stop, and when they go on. */
export function followFrozenDate(follower: Follower): void {
  followers.push(follower);
}

async function tellFollowers(isStep: boolean): Promise<void> {
  for (const follower of followers) await follower(frozenDate(), isStep);
}
