import { afterAll, beforeAll, beforeEach, describe } from '@jest/globals';
import { canClockServers, RedisServer, SERVER_PROGRAMS } from './redis-servers.js';

/** A suite on each server that is installed, each with a server of its own that is empty before each test. */
export function describeOnServers(name: string, suite: (server: () => RedisServer) => void): void {
  if (!canClockServers) {
    process.stderr.write(
      `Left out: ${name}, because redis-server or a C compiler is not installed.\n`,
    );
    describe.skip(name, () => suite(() => new RedisServer('')));
    return;
  }
  describe.each(SERVER_PROGRAMS)(`${name}, on %s`, (program) => {
    let server: RedisServer | undefined;
    const running = (): RedisServer => {
      if (server === undefined) throw new Error('Ask for the server inside a test.');
      return server;
    };
    beforeAll(() => {
      server = new RedisServer(program).start();
    });
    beforeEach(() => {
      running().setClock(0);
      running().cli('FLUSHALL');
    });
    afterAll(() => server?.stop());
    suite(running);
  });
}

const [PROGRAM] = SERVER_PROGRAMS;

/** A block of tests that needs a server; says aloud when none is installed. */
export function describeWithServer(name: string, tests: () => void): void {
  if (PROGRAM !== undefined) {
    describe(name, tests);
    return;
  }
  process.stderr.write(`Left out: ${name}, because redis-server is not installed.\n`);
  describe.skip(name, tests);
}

/** A server for the tests of a block. */
export function useRedisServer(): RedisServer {
  const server = new RedisServer(PROGRAM ?? '');
  beforeAll(() => void server.start());
  afterAll(() => server.stop());
  return server;
}
