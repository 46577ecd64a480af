import { setImmediate as onNextTurn } from 'node:timers';
import type { MaintenanceTask } from '../common/maintenance-task.js';

/**
 * Runs the background tasks by turns, one bounded step of one task in a turn of the event loop, and rests when
 * none has more to do. Keeps no process alive.
 *
 * @internal
 */
export class MaintenanceLoop {
  #timer: NodeJS.Timeout | undefined;
  #turn: NodeJS.Immediate | undefined;
  #isRunning = false;
  #next = 0;
  #idleTasks = 0;

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

  /** One step of one task; the next turn belongs to the next one, until none of them has more to do. */
  readonly #round = (): void => {
    if (!this.#isRunning) return;
    this.#idleTasks = this.#step(this.tasks[this.#next]) ? 0 : this.#idleTasks + 1;
    this.#next = (this.#next + 1) % this.tasks.length;
    if (this.#idleTasks < this.tasks.length) this.#turn = onNextTurn(this.#round).unref();
    else this.#rest();
  };

  #step(task: MaintenanceTask | undefined): boolean {
    try {
      return task?.step() ?? false;
    } catch (error) {
      this.onError(error);
      return false;
    }
  }

  #rest(): void {
    this.#idleTasks = 0;
    this.#timer = setTimeout(this.#round, this.intervalMs).unref();
  }
}
