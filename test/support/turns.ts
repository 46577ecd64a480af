import { closeSync, openSync, readSync } from 'node:fs';
import { performance, PerformanceObserver, type PerformanceEntry } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** How long turns of the event loop took, in ms of processor time. */
export interface Turns {
  /** Of fewer than 100 turns the longest but one: a single turn is what `longest` is for. */
  readonly p99: number;
  readonly longest: number;
}

interface Turn {
  /** On the clock of `performance`, in ms. */
  readonly from: number;
  readonly to: number;
  /** On the processor. */
  readonly ms: number;
}

/**
 * What the turns of the event loop took while something was done. Counted is the time of this thread on the processor,
 * so that what else the machine does changes nothing, without collections of garbage: how long one takes says how much the
 * process of the tests holds.
 */
export async function turnsDuring(work: () => Promise<unknown>): Promise<Turns> {
  const seen: Turn[] = [];
  let isOver = false;
  const watch = async (): Promise<void> => {
    const clock = new ThreadClock();
    let last = clock.ms();
    let from = performance.now();
    while (!isOver) {
      await nextTurn();
      const now = clock.ms();
      const to = performance.now();
      seen.push({ from, to, ms: now - last });
      last = now;
      from = to;
    }
    clock.close();
  };
  const collections: PerformanceEntry[] = [];
  const observer = new PerformanceObserver((list) => collections.push(...list.getEntries()));
  observer.observe({ entryTypes: ['gc'] });
  const watching = watch();
  try {
    await work();
  } finally {
    isOver = true;
    await watching;
    // What was collected in the last turn is told in the next ones.
    for (let i = 0; i < 3; i++) await nextTurn();
    collections.push(...observer.takeRecords());
    observer.disconnect();
  }
  const turns = seen.map(({ from, to, ms }) => {
    const within = collections.filter((one) => one.startTime < to && one.startTime >= from);
    return Math.max(0, ms - within.reduce((sum, one) => sum + one.duration, 0));
  });
  turns.sort((a, b) => a - b);
  const rank = Math.min(Math.floor(turns.length * 0.99), turns.length - 2);
  return { p99: turns[rank] ?? 0, longest: turns.at(-1) ?? 0 };
}

/** The time that the main thread was on the processor; of all threads where the system tells no more. */
class ThreadClock {
  readonly #buffer = Buffer.alloc(64);
  readonly #fd: number | undefined;

  constructor() {
    try {
      this.#fd = openSync(`/proc/self/task/${process.pid}/schedstat`, 'r');
    } catch {
      this.#fd = undefined;
    }
  }

  ms(): number {
    if (this.#fd === undefined) {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1000;
    }
    const length = readSync(this.#fd, this.#buffer, 0, this.#buffer.length, 0);
    return Number(this.#buffer.toString('latin1', 0, length).split(' ')[0]) / 1e6;
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
  }
}
