import { createNode } from '../../../dist/node/create-node.js';
import { resolveOptions } from '../../../dist/node/resolve-options.js';

/** What the parent passes: the options of the node, and what the program itself needs. */
export const config = JSON.parse(process.argv[2]);

/** Starts a node of the built library; it ends with its parent. */
export async function openNode() {
  process.on('disconnect', () => process.exit(1));
  const node = createNode(resolveOptions(config.options, {}));
  await node.start();
  return node;
}

/** Milliseconds on the clock that all processes of the machine share. */
export function monotonicMs() {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}
