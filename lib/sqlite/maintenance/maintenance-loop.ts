import { setImmediate as onNextTurn } from 'node:timers';
import type { MaintenanceTask } from '../../common/maintenance-task.js';

/** The shortest time that a timer waits, in ms. */
const BETWEEN_STEPS_MS = 1;

/**
 * Runs the background tasks by turns: one bounded step of one task per turn of the event loop. Rests when no task has
 * more to do. Keeps no process alive.
 *
 * @internal
 */
export class MaintenanceLoop {
  #timer: NodeJS.Timeout | undefined;
  #isRunning = false;
  #hasFailed = false;
  #next = 0;

  constructor(
    private readonly tasks: readonly MaintenanceTask[],
    /** Milliseconds between two rounds when nothing is left to do. */
    private readonly intervalMs: number,
    private readonly onError: (error: unknown) => void,
  ) {}

  start(): void {
    this.#isRunning = true;
    this.#continueIn(this.intervalMs);
  }

  stop(): void {
    this.#isRunning = false;
    clearTimeout(this.#timer);
  }

  /**
   * Runs at most one step that does something, then yields to the event loop. An unref'ed immediate would leave an idle
   * loop asleep, so a timer starts the next round.
   */
  readonly #round = (): void => {
    if (!this.#isRunning) return;
    this.#continueIn(this.#stepOnce() ? BETWEEN_STEPS_MS : this.intervalMs);
  };

  /** Runs everything that is due by now, without the rests between; ends early when a task fails. */
  async runDue(): Promise<void> {
    this.#hasFailed = false;
    // The first pass may only finish a round that began earlier.
    for (let round = 0; round < 2; round++) {
      while (this.#isRunning && !this.#hasFailed && this.#isMore()) {
        await new Promise((resolve) => onNextTurn(resolve));
      }
    }
  }

  #isMore(): boolean {
    return this.#stepOnce() || this.tasks.some(({ isMidway }) => isMidway);
  }

  /** Returns whether any task had something to do. */
  #stepOnce(): boolean {
    for (let idle = 0; idle < this.tasks.length; idle++) {
      const task = this.tasks[this.#next];
      this.#next = (this.#next + 1) % this.tasks.length;
      if (this.#step(task)) return true;
    }
    return false;
  }

  #step(task: MaintenanceTask | undefined): boolean {
    try {
      return task?.step() ?? false;
    } catch (error) {
      this.#hasFailed = true;
      this.onError(error);
      return false;
    }
  }

  #continueIn(ms: number): void {
    this.#timer = setTimeout(this.#round, ms).unref();
  }
}
