import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { WorkerMessage } from '../journal.js';

/** A worker in a process of its own. */
export class Worker {
  #url = '';
  #isStopping = false;

  private constructor(
    /** Counts from 1. */
    readonly id: number,
    private readonly child: ChildProcess,
  ) {}

  get url(): string {
    return this.#url;
  }

  /**
   * Resolves when the worker listens, on a free port.
   *
   * @param main the compiled main.js
   * @throws when it ends before it listens
   */
  static async start(main: string, id: number, environment: NodeJS.ProcessEnv): Promise<Worker> {
    const child = fork(main, {
      env: { ...process.env, NO_COLOR: '1', PORT: '0', ...environment },
      // This script shows the errors of the worker, but not its log.
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      // Ctrl-C is for the script, which then stops its workers.
      detached: true,
    });
    const worker = new Worker(id, child);
    await new Promise<void>((resolve, reject) => {
      worker.onMessage((message) => {
        if (message.kind !== 'listening') return;
        worker.#url = message.url;
        resolve();
      });
      child.once('error', reject);
      child.once('exit', (code, signal) => {
        reject(new Error(`Worker ${id} ended before it listened (${signal ?? code}).`));
      });
    });
    return worker;
  }

  onMessage(listener: (message: WorkerMessage) => void): void {
    this.child.on('message', (message) => listener(message as WorkerMessage));
  }

  /** Calls the listener when the process ends without having been stopped. */
  onCrash(listener: (reason: string) => void): void {
    this.child.once('exit', (code, signal) => {
      if (!this.#isStopping) listener(`Worker ${this.id} ended (${signal ?? code}).`);
    });
  }

  /** Lets the process finish, and resolves when it has ended. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await exited;
  }
}

/** Starts workers 1 to `count`; when one does not start, none is left. */
export async function startWorkers(
  main: string,
  count: number,
  environment: NodeJS.ProcessEnv,
): Promise<Worker[]> {
  const starts = await Promise.allSettled(
    Array.from({ length: count }, (_, i) => Worker.start(main, i + 1, environment)),
  );
  const workers = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
  const failure = starts.find((start) => start.status === 'rejected');
  if (failure === undefined) return workers;
  await stopWorkers(workers);
  throw failure.reason;
}

export async function stopWorkers(workers: readonly Worker[]): Promise<void> {
  await Promise.all(workers.map((worker) => worker.stop()));
}
