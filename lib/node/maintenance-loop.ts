import { setImmediate as onNextTurn } from 'node:timers';
import type { MaintenanceTask } from '../common/maintenance-task.js';

/**
 * Runs the background tasks by turns, one bounded step in a turn of the event loop, and rests when none
 * has more to do. Keeps no process alive.
 *
 * @internal
 */
export class MaintenanceLoop {
  #timer: NodeJS.Timeout | undefined;
  #turn: NodeJS.Immediate | undefined;
  #isRunning = false;

  constructor(
    private readonly tasks: readonly MaintenanceTask[],
    /** Milliseconds between two rounds when nothing is left to do. */
    private readonly intervalMs: number,
    private readonly onError: (error: unknown) => void,
  ) {}

  start(): void {
    this.#isRunning = true;
    this.#rest();
  }

  stop(): void {
    this.#isRunning = false;
    clearTimeout(this.#timer);
    if (this.#turn !== undefined) clearImmediate(this.#turn);
  }

  /** One step of every task; returns whether more waits. */
  step(): boolean {
    let hasMore = false;
    for (const task of this.tasks) {
      try {
        if (task.step()) hasMore = true;
      } catch (error) {
        this.onError(error);
      }
    }
    return hasMore;
  }

  readonly #round = (): void => {
    if (!this.#isRunning) return;
    if (this.step()) this.#turn = onNextTurn(this.#round).unref();
    else this.#rest();
  };

  #rest(): void {
    this.#timer = setTimeout(this.#round, this.intervalMs).unref();
  }
}
