import { afterEach } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A program that prints where it can be found. */
export interface PrintingProgram {
  readonly child: ChildProcess;
  /** All lines that it has printed. */
  readonly lines: string[];
  /** What the groups of the expression have found. */
  readonly found: string[];
}

/** A function that starts a program and waits for a line of it; what still runs after the test is killed. */
export function usePrintingPrograms(): (
  program: string,
  environment: NodeJS.ProcessEnv,
  until: RegExp,
) => Promise<PrintingProgram> {
  const children: ChildProcess[] = [];
  afterEach(async () => {
    for (const child of children.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    }
  });
  return (program, environment, until) => {
    const child = spawn(process.execPath, [program], {
      env: { ...process.env, NO_COLOR: '1', ...environment },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    const lines: string[] = [];
    return new Promise((resolve, reject) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        lines.push(line);
        const match = until.exec(line);
        if (match !== null) resolve({ child, lines, found: match.slice(1) });
      });
      child.once('exit', (code) => reject(new Error(`It ended (${code}): ${lines.join('\n')}`)));
    });
  };
}
