import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, type RedisServer } from './redis-servers.js';
import { makeTemporaryDirectory } from './temporary-directory.js';

const START_MS = 10_000;

/** A Sentinel, which watches one master. */
export class Sentinel {
  readonly port = freePort();
  readonly address = { host: '127.0.0.1', port: this.port };
  readonly #file = join(makeTemporaryDirectory(), 'sentinel.conf');
  #process: ChildProcess | undefined;

  constructor(
    private readonly program: string,
    readonly name: string,
    /** How many Sentinels must agree that the master is down. */
    private readonly quorum = 2,
  ) {}

  /** Returns when it answers. */
  start(master: RedisServer, ...lines: string[]): this {
    const { port, name, quorum } = this;
    writeFileSync(
      this.#file,
      [
        `port ${port}`,
        'bind 127.0.0.1',
        `sentinel monitor ${name} 127.0.0.1 ${master.port} ${quorum}`,
        `sentinel down-after-milliseconds ${name} 300`,
        `sentinel failover-timeout ${name} 2000`,
        ...lines,
        '',
      ].join('\n'),
    );
    this.startAgain();
    return this;
  }

  /** With what it knew when it was stopped. */
  startAgain(): void {
    const args = ['--pdeathsig', 'KILL', this.program, this.#file, '--sentinel'];
    this.#process = spawn('setpriv', args, { stdio: 'ignore' });
    const until = Date.now() + START_MS;
    while (!/^(PONG|NOAUTH)/.test(this.cli('PING'))) {
      if (Date.now() > until) throw new Error('The Sentinel does not answer.');
    }
  }

  cli(...args: string[]): string {
    try {
      const options = { stdio: 'pipe' } as const;
      return String(execFileSync('redis-cli', ['-p', String(this.port), ...args], options)).trim();
    } catch {
      return '';
    }
  }

  /** How many replicas and other Sentinels it has found. */
  get found(): { replicas: number; sentinels: number } {
    const lines = this.cli('INFO', 'sentinel');
    const count = (what: string): number => Number(new RegExp(`${what}=(\\d+)`).exec(lines)?.[1]);
    return { replicas: count('slaves'), sentinels: count('sentinels') };
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  stop(): void {
    this.signal('SIGKILL');
    this.#process = undefined;
  }
}
