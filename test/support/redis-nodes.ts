import { afterAll, afterEach, beforeAll } from '@jest/globals';
import { createNode } from '../../lib/node/create-node.js';
import type { HyperCacheNode } from '../../lib/node/hyper-cache-node.js';
import { resolveOptions } from '../../lib/node/resolve-options.js';
import { redis, type RedisOptions } from '../../lib/redis/index.js';
import { RedisServer, SERVER_PROGRAMS } from './redis-servers.js';

export const [PROGRAM] = SERVER_PROGRAMS;

if (PROGRAM === undefined) {
  process.stderr.write(
    'Left out: faults of the engine over Redis, because redis-server is not installed.\n',
  );
}

/** Nodes of one server, which is emptied, and reached by all, after each test. */
export interface RedisNodes {
  readonly server: RedisServer;
  /** A node that is started. */
  node(options?: RedisOptions): Promise<HyperCacheNode>;
  /** Codes of what the nodes of this test have reported, as events and not as errors of calls. */
  readonly reported: string[];
}

/** A server for all tests of a block; the nodes are closed after each. */
export function useRedis(...options: string[]): RedisNodes {
  const started: HyperCacheNode[] = [];
  const reported: string[] = [];
  let server: RedisServer | undefined;
  const running = (): RedisServer => {
    if (server === undefined) throw new Error('Ask for the server inside a test.');
    return server;
  };
  beforeAll(() => {
    if (PROGRAM !== undefined) server = new RedisServer(PROGRAM).start(...options);
  });
  afterEach(async () => {
    server?.signal('SIGCONT');
    for (const node of started.splice(0)) await node.close();
    server?.setClock(0);
    server?.cli('FLUSHALL');
    reported.length = 0;
  });
  afterAll(() => server?.stop());
  return {
    get server() {
      return running();
    },
    reported,
    async node(given = {}) {
      const engine = redis({ url: running().url, ...given });
      const node = createNode(resolveOptions({ engine, ttl: 0 }, {}));
      started.push(node);
      node.on('error', ({ error }) => {
        reported.push(error.code);
      });
      await node.start();
      return node;
    },
  };
}

/** How often a node has connected. */
export async function sessionsOf(node: HyperCacheNode): Promise<number> {
  return (await node.stats()).engine?.sessions ?? 0;
}

/** Whether a node has a connection that it may use. */
export function isLinked(node: HyperCacheNode): boolean {
  return node.health().writes === undefined;
}
