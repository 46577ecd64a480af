import type { NodeEnvironment } from '../../lib/node/create-node.js';
import type { HyperCacheNode } from '../../lib/node/hyper-cache-node.js';
import type { HyperCacheOptions } from '../../lib/node/options.js';
import { useDirectClusters } from './clusters.js';
import { EMBEDDED, type EngineTraits } from './engine-under-test.js';
import { ENGINES, onEngines } from './engines.js';
import { useNodes } from './nodes.js';
import { SABOTAGED } from './memory-engine/sabotaged.js';

type StartNode = (
  options?: HyperCacheOptions,
  environment?: NodeEnvironment,
) => Promise<HyperCacheNode>;

/** How a suite starts its nodes, and in what they differ. */
export type NodesUnderTest<O> = readonly [
  name: string,
  options: O,
  use: () => StartNode,
  traits: EngineTraits,
];

/** A function that starts a node as one of two secondaries of a primary; closed after the test. */
export function useOneOfThree(): StartNode {
  const clusters = useDirectClusters();
  return async (options = {}, environment = {}) => {
    const primary = await clusters.primary({}, environment);
    await clusters.secondary(primary, options, environment);
    const { node } = await clusters.secondary(primary, options, environment);
    return node;
  };
}

/** As {@link onEngines}, and the first variant on one node of three. */
export function onNodes<O extends HyperCacheOptions>(
  variants: readonly (readonly [name: string, options: O])[],
): NodesUnderTest<O>[] {
  const alone = onEngines(variants).map(
    ([name, options, make, traits]) => [name, options, () => useNodes(make), traits] as const,
  );
  if (ENGINES === SABOTAGED) return alone;
  const [first] = variants;
  if (first === undefined) return alone;
  const [name, options] = first;
  return [...alone, [`${name}, on one node of three`, options, useOneOfThree, EMBEDDED]];
}
