import { afterEach } from '@jest/globals';
import { fork, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { HyperCacheOptions } from '../../lib/node/options.js';

/** What a program is started with. */
export interface ProgramConfig {
  /** Of its node. */
  readonly options: HyperCacheOptions;
  readonly [name: string]: unknown;
}

/** What the program `remote` answered, with the time around the call on its side, in monotonic ms. */
export interface RemoteAnswer<T> {
  readonly value: T;
  readonly calledAt: number;
  readonly returnedAt: number;
}

/** A lock was lost in a process. */
export interface RemoteAbort {
  readonly aborted: string;
  readonly code: string;
  /** Monotonic ms. */
  readonly at: number;
}

/** An error that the program `remote` answered with. */
export class RemoteError extends Error {
  constructor(
    readonly code: string | undefined,
    message: string,
  ) {
    super(message);
  }
}

/** Pid 1 of a namespace of its own, as in a container. */
const CONTAINED = {
  execPath: 'unshare',
  execArgv: ['--fork', '--pid', '--kill-child', process.execPath],
};

/** Whether this process may start others with pid 1. */
export function canContain(): boolean {
  return spawnSync('unshare', ['--fork', '--pid', 'true']).status === 0;
}

/** A program of test/support/programs in a process of its own; it runs the built library. */
export class NodeProcess {
  readonly aborts: RemoteAbort[] = [];
  readonly #waiting = new Map<number, (answer: unknown) => void>();
  #asked = 0;

  private constructor(private readonly child: ChildProcess) {
    child.on('message', (message: unknown) => this.#receive(message));
    child.once('exit', () => {
      for (const settle of this.#waiting.values()) {
        settle(Promise.reject(new RemoteError(undefined, 'The process has ended.')));
      }
    });
  }

  /**
   * Resolves when its node is started.
   *
   * @param environment is added to that of this process
   */
  static async start(
    program: string,
    config: ProgramConfig,
    environment: NodeJS.ProcessEnv = {},
  ): Promise<NodeProcess> {
    const path = fileURLToPath(new URL(`./programs/${program}.mjs`, import.meta.url));
    const child = fork(path, [JSON.stringify(config)], {
      ...(config['isContained'] === true ? CONTAINED : { execArgv: [] }),
      env: { ...process.env, ...environment },
      serialization: 'advanced',
    });
    const [message] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as [
      unknown,
    ];
    if (message !== 'ready') throw new Error(`${program} ended before it was ready: ${message}`);
    return new NodeProcess(child);
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  send(message: 'go' | 'stop'): void {
    this.child.send(message);
  }

  /** Calls a method of the cache, the node, the process itself, or a lock by its id. */
  async ask<T>(target: string, method: string, ...args: unknown[]): Promise<RemoteAnswer<T>> {
    const id = ++this.#asked;
    const answer = new Promise((resolve) => this.#waiting.set(id, resolve));
    this.child.send({ id, target, method, args });
    return (await answer) as RemoteAnswer<T>;
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.child.kill(signal);
  }

  /** Ends it at once; resolves when it is gone. */
  async kill(): Promise<void> {
    if (!this.isRunning) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exited;
  }

  /** Lets it finish. @throws when it does not end well */
  async finish(): Promise<void> {
    if (this.isRunning) this.send('stop');
    await this.ended();
  }

  /** Resolves when it has ended by itself. @throws when it did not end well */
  async ended(): Promise<void> {
    if (this.isRunning) await once(this.child, 'exit');
    if (this.child.exitCode !== 0) {
      throw new Error(`The process ended with ${this.child.signalCode ?? this.child.exitCode}.`);
    }
  }

  #receive(message: unknown): void {
    if (typeof message !== 'object' || message === null) return;
    if ('aborted' in message) {
      this.aborts.push(message as RemoteAbort);
      return;
    }
    const { id, error } = message as { id: number; error?: { code?: string; message: string } };
    const settle = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) settle?.(message);
    else settle?.(Promise.reject(new RemoteError(error.code, error.message)));
  }
}

/**
 * A function that starts programs; those that still run are killed after the test.
 *
 * @param cleanUp `afterAll`: after the tests of the block, which share them
 */
export function useNodeProcesses(
  cleanUp: typeof afterEach = afterEach,
): (
  program: string,
  config: ProgramConfig,
  environment?: NodeJS.ProcessEnv,
) => Promise<NodeProcess> {
  const started: NodeProcess[] = [];
  cleanUp(async () => {
    for (const process of started.splice(0)) await process.kill();
  });
  return async (program, config, environment) => {
    const process = await NodeProcess.start(program, config, environment);
    started.push(process);
    return process;
  };
}
