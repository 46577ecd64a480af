import { createNode } from '../../../dist/node/create-node.js';
import { resolveOptions } from '../../../dist/node/resolve-options.js';
import { config } from './parent.mjs';

/** Starts a node of the built library. */
export async function openNode() {
  const node = createNode(resolveOptions(config.options, {}));
  await node.start();
  return node;
}
