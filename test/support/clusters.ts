import { afterEach } from '@jest/globals';
import { createNode, type NodeEnvironment } from '../../lib/node/create-node.js';
import type { HyperCacheNode, NodeCache } from '../../lib/node/hyper-cache-node.js';
import type { HyperCacheOptions } from '../../lib/node/options.js';
import { resolveOptions } from '../../lib/node/resolve-options.js';
import { DirectClient } from './direct-client.js';
import { useTemporaryDirectories } from './temporary-directory.js';

/** What operators of a test's cluster show. */
const ADMIN_TOKEN = 'a token for the operators of one test, 32+';
/** What all nodes of a test's cluster show each other. */
export const CLUSTER_TOKEN = 'a token for the nodes of one test, 32+';

/** A node that follows a primary of the same process. */
export interface DirectSecondary {
  readonly node: HyperCacheNode;
  readonly cache: NodeCache;
  readonly client: DirectClient;
}

/** How tests start clusters whose nodes are in this process, without a network. */
export interface DirectClusters {
  directory(): string;
  primary(options?: HyperCacheOptions, environment?: NodeEnvironment): Promise<HyperCacheNode>;
  secondary(
    primary: HyperCacheNode | undefined,
    options?: HyperCacheOptions,
    environment?: NodeEnvironment,
  ): Promise<DirectSecondary>;
}

/** Nodes are closed after the test, the youngest first. */
export function useDirectClusters(): DirectClusters {
  const started: HyperCacheNode[] = [];
  afterEach(async () => {
    for (const node of started.splice(0).toReversed()) await node.close();
  });
  const directory = useTemporaryDirectories();
  const start = async (
    options: HyperCacheOptions,
    environment: NodeEnvironment,
  ): Promise<HyperCacheNode> => {
    const node = createNode(
      resolveOptions(
        {
          sqlitePath: directory(),
          apiToken: CLUSTER_TOKEN,
          adminToken: ADMIN_TOKEN,
          ...options,
        },
        {},
      ),
      environment,
    );
    started.push(node);
    await node.start();
    return node;
  };
  return {
    directory,
    primary: (options = {}, environment = {}) => start(options, environment),
    async secondary(primary, options = {}, environment = {}) {
      const client = new DirectClient(primary?.sync);
      const node = await start(
        { role: 'secondary', primaryUrl: 'http://direct', asyncRequests: false, ...options },
        { ...environment, primaryClient: () => client },
      );
      return { node, cache: node.cache('default'), client };
    },
  };
}
