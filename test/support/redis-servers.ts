import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeTemporaryDirectory } from './temporary-directory.js';

/** Servers that are installed, of which each engine suite runs on the first. */
export const SERVER_PROGRAMS: readonly string[] = ['redis-server', 'valkey-server'].filter(isThere);

const CLOCK_SOURCE = fileURLToPath(new URL('./programs/server-clock.c', import.meta.url));

/** What makes a server's clock one that a test moves; undefined without a C compiler. */
const clockLibrary = ((): string | undefined => {
  const path = join(tmpdir(), `hypercache-server-clock-${process.pid}.so`);
  try {
    execFileSync('cc', ['-shared', '-fPIC', '-O1', '-o', path, CLOCK_SOURCE], { stdio: 'ignore' });
    return path;
  } catch {
    return undefined;
  }
})();

/** Whether servers can be started with a clock that a test moves. */
export const canClockServers = SERVER_PROGRAMS.length > 0 && clockLibrary !== undefined;

const START_MS = 10_000;

/** A server of Redis or Valkey on a socket of its own, without a port: it ends with this process. */
export class RedisServer {
  readonly port = freePort();
  readonly url = `redis://127.0.0.1:${this.port}`;
  readonly #clockFile: string;
  #process: ChildProcess | undefined;

  constructor(
    readonly program: string,
    private readonly directory = makeTemporaryDirectory(),
  ) {
    this.#clockFile = join(directory, 'clock');
    this.setClock(0);
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** Returns when it answers. */
  start(...options: string[]): this {
    const clocked = { LD_PRELOAD: clockLibrary, SERVER_CLOCK: this.#clockFile };
    const args = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.directory];
    args.push('--save', '', '--appendonly', 'no', '--daemonize', 'no');
    args.push('--logfile', join(this.directory, 'log'), ...options);
    // It dies with this process, however that ends.
    this.#process = spawn('setpriv', ['--pdeathsig', 'KILL', this.program, ...args], {
      stdio: 'ignore',
      env: { ...process.env, ...(clockLibrary !== undefined && clocked) },
    });
    const started = this.#process;
    started.once('exit', (code, signal) => {
      if (this.#process === started) this.#reportEnd(code ?? signal ?? '');
    });
    const until = Date.now() + START_MS;
    // Another process may have taken the port.
    const answers = `process_id:${this.pid}\r`;
    while (!this.cli('INFO', 'server').includes(answers)) {
      if (Date.now() > until) throw new Error(`${this.program} does not answer.`);
    }
    return this;
  }

  /** @param unixMs at which its clock stands still; 0 for the machine's own time */
  setClock(unixMs: number): void {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(Math.floor(unixMs * 1000)));
    const file = openSync(this.#clockFile, existsSync(this.#clockFile) ? 'r+' : 'w');
    writeSync(file, bytes, 0, bytes.length, 0);
    closeSync(file);
  }

  /** The reply of a command as text; '' when it does not answer. */
  cli(...args: string[]): string {
    try {
      const { port } = this;
      const reply = execFileSync('redis-cli', ['-p', String(port), ...args], { stdio: 'pipe' });
      return String(reply).trim();
    } catch {
      return '';
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  stop(): void {
    this.#process?.kill('SIGKILL');
    this.#process = undefined;
  }

  /** A server that ends by itself fails each test that follows, none of which would say why. */
  #reportEnd(how: number | string): void {
    const lines = readFileSync(join(this.directory, 'log'), 'utf8').trimEnd().split('\n');
    process.stderr.write(`${this.program} has ended (${how}):\n${lines.slice(-40).join('\n')}\n`);
  }
}

function isThere(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Of a range that no other worker of Jest uses. */
export function freePort(): number {
  const worker = Number(process.env['JEST_WORKER_ID'] ?? 1);
  nextPort++;
  return 21_000 + worker * 400 + (nextPort % 400);
}

let nextPort = process.pid % 400;
