import { afterAll, afterEach, beforeAll } from '@jest/globals';
import { createNode } from '../../lib/node/create-node.js';
import type { HyperCacheNode } from '../../lib/node/hyper-cache-node.js';
import { resolveOptions } from '../../lib/node/resolve-options.js';
import { redis, type RedisOptions } from '../../lib/redis/index.js';
import { RedisCluster } from './redis-cluster.js';
import { RedisServer, SERVER_PROGRAMS } from './redis-servers.js';

export const [PROGRAM] = SERVER_PROGRAMS;

if (PROGRAM === undefined) {
  process.stderr.write(
    'Left out: faults of the engine over Redis, because redis-server is not installed.\n',
  );
}

/** Nodes that are closed after each test. */
export interface StartedNodes {
  /** A node that is started. */
  node(options?: RedisOptions): Promise<HyperCacheNode>;
  /** Codes of what the nodes of this test have reported, as events and not as errors of calls. */
  readonly reported: string[];
}

/** Nodes of one server, which is emptied, and reached by all, after each test. */
export interface RedisNodes extends StartedNodes {
  readonly server: RedisServer;
}

/** @param optionsOf where the servers are, asked inside a test */
export function useStartedNodes(optionsOf: () => RedisOptions): StartedNodes {
  const started: HyperCacheNode[] = [];
  const reported: string[] = [];
  afterEach(async () => {
    for (const node of started.splice(0)) await node.close();
    reported.length = 0;
  });
  return {
    reported,
    async node(given = {}) {
      const engine = redis({ ...optionsOf(), ...given });
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

/** A server for all tests of a block; the nodes are closed after each. */
export function useRedis(...options: string[]): RedisNodes {
  let server: RedisServer | undefined;
  const running = (): RedisServer => {
    if (server === undefined) throw new Error('Ask for the server inside a test.');
    return server;
  };
  beforeAll(() => {
    if (PROGRAM !== undefined) server = new RedisServer(PROGRAM).start(...options);
  });
  afterEach(() => server?.signal('SIGCONT'));
  const nodes = useStartedNodes(() => ({ url: running().url }));
  afterEach(() => {
    server?.setClock(0);
    server?.cli('FLUSHALL');
  });
  afterAll(() => server?.stop());
  return {
    ...nodes,
    get server() {
      return running();
    },
  };
}

/** Nodes of a cluster, whose masters are emptied after each test. */
export interface ClusterNodes extends StartedNodes {
  readonly cluster: RedisCluster;
}

/** A cluster of three masters for all tests of a block; the nodes are closed after each. */
export function useRedisCluster(...options: string[]): ClusterNodes {
  let cluster: RedisCluster | undefined;
  const running = (): RedisCluster => {
    if (cluster === undefined) throw new Error('Ask for the cluster inside a test.');
    return cluster;
  };
  beforeAll(async () => {
    if (PROGRAM !== undefined) cluster = await new RedisCluster(PROGRAM).start(1000, ...options);
  }, 30_000);
  const nodes = useStartedNodes(() => ({ cluster: running().nodes }));
  afterEach(() => cluster?.cliAll('FLUSHALL'));
  afterAll(() => cluster?.stop());
  return {
    ...nodes,
    get cluster() {
      return running();
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
