import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** The line that main.ts prints when it is ready for requests. */
const LISTENING = /^Listening on (http:\S+)$/;

/** The sample in a process of its own. */
export class SampleProcess {
  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
  ) {}

  /**
   * Resolves when the sample listens, on a free port.
   *
   * @param main the compiled main.js
   * @throws when it ends before it listens
   */
  static async start(main: string, environment: NodeJS.ProcessEnv): Promise<SampleProcess> {
    const child = spawn(process.execPath, [main], {
      env: { ...process.env, NO_COLOR: '1', PORT: '0', ...environment },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    // Read to the end: a full pipe would hold the sample up.
    const lines = createInterface({ input: child.stdout });
    return new Promise((resolve, reject) => {
      lines.on('line', (line) => {
        const url = LISTENING.exec(line)?.[1];
        if (url !== undefined) resolve(new SampleProcess(child, url));
      });
      child.once('error', reject);
      child.once('exit', (code, signal) => {
        reject(new Error(`The sample ended before it listened (${signal ?? code}).`));
      });
    });
  }

  /** Ends the process and resolves when it has ended. SIGTERM lets it finish, SIGKILL does not. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill(signal);
    await exited;
  }
}
