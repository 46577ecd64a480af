import { createNode } from '../../../dist/node/create-node.js';
import { resolveOptions } from '../../../dist/node/resolve-options.js';
import { redis } from '../../../dist/redis/index.js';
import { config } from './parent.mjs';

/** Starts a node of the built library; over a server when the parent passes what `redis()` takes. */
export async function openNode() {
  const engine = config.redis && redis(config.redis);
  const node = createNode(resolveOptions({ ...config.options, ...(engine && { engine }) }, {}));
  await node.start();
  return node;
}
