import { afterAll, afterEach, beforeAll } from '@jest/globals';
import { rmSync } from 'node:fs';
import { createNode, type NodeEnvironment } from '../../lib/node/create-node.js';
import type { HyperCacheNode } from '../../lib/node/hyper-cache-node.js';
import type { HyperCacheOptions } from '../../lib/node/options.js';
import { resolveOptions } from '../../lib/node/resolve-options.js';
import type { MakeNode } from './engine-under-test.js';
import { makeTemporaryDirectory, useTemporaryDirectories } from './temporary-directory.js';

type StartNode = (
  options?: HyperCacheOptions,
  environment?: NodeEnvironment,
) => Promise<HyperCacheNode>;

/** A function that starts a node, in a directory of its own unless told; closed after the test. */
export function useNodes(make: MakeNode = createNode): StartNode {
  const started: HyperCacheNode[] = [];
  // Jest runs these hooks in order: the nodes are closed before their directories go.
  afterEach(async () => {
    for (const node of started.splice(0)) await node.close();
  });
  const directory = useTemporaryDirectories();
  return async (options = {}, environment = {}) => {
    const node = make(resolveOptions({ sqlitePath: directory(), ...options }, {}), environment);
    started.push(node);
    await node.start();
    return node;
  };
}

/** One node for all tests of a block, which keep apart by the namespaces of their caches. */
export function useSharedNode(
  options: HyperCacheOptions = {},
  make: MakeNode = createNode,
): () => HyperCacheNode {
  let node: HyperCacheNode | undefined;
  let directory = '';
  beforeAll(async () => {
    directory = makeTemporaryDirectory();
    node = make(resolveOptions({ sqlitePath: directory, ...options }, {}), {});
    await node.start();
  });
  afterAll(async () => {
    await node?.close();
    rmSync(directory, { recursive: true, force: true });
  });
  return () => {
    if (node === undefined) throw new Error('Ask for the node inside a test.');
    return node;
  };
}
