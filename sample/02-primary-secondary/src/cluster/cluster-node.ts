import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { HyperCacheStats } from 'nestjs-hypercache';

/** The line that main.ts prints when it is ready for requests. */
const LISTENING = /^Listening on (http:\S+)$/;

/** One node in a process of its own, which ends with this one. */
export class ClusterNode {
  private constructor(
    private readonly child: ChildProcess,
    readonly name: string,
    readonly url: string,
  ) {}

  /** Resolves when the node listens; rejects when it ends before. */
  static start(main: string, name: string, environment: NodeJS.ProcessEnv): Promise<ClusterNode> {
    const child = fork(main, {
      env: { ...process.env, NO_COLOR: '1', NODE_NAME: name, ...environment },
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
      // Ctrl-C reaches this process alone: it stops the nodes in their order.
      detached: true,
    });
    const lines = child.stdout && createInterface({ input: child.stdout });
    return new Promise((resolve, reject) => {
      lines?.on('line', (line) => {
        const url = LISTENING.exec(line)?.[1];
        if (url !== undefined) resolve(new ClusterNode(child, name, url));
      });
      child.once('error', reject);
      child.once('exit', (code, signal) => {
        const port = environment['PORT'] ?? '';
        reject(
          new Error(
            `${name} ended before it listened (${signal ?? code}). If port ${port} is taken: PORT=4000 npm start`,
          ),
        );
      });
    });
  }

  onEnd(listener: (reason: string) => void): void {
    this.child.once('exit', (code, signal) => listener(String(signal ?? code)));
  }

  async stats(): Promise<HyperCacheStats> {
    const response = await fetch(`${this.url}/stats`);
    return (await response.json()) as HyperCacheStats;
  }

  /** Lets the process finish; resolves when it has ended. */
  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await exited;
  }
}
