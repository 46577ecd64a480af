import type { HyperCacheStats } from 'nestjs-hypercache';
import type { ClusterNode } from './cluster-node.js';

/** How the nodes are doing, in one line: revision, lag and hit ratio. */
export async function lineOf(nodes: readonly ClusterNode[]): Promise<string> {
  const parts = await Promise.all(
    nodes.map(async (node) => `${node.name} ${stateOf(await node.stats())}`),
  );
  return parts.join('  |  ');
}

function stateOf({ revision, replica, caches }: HyperCacheStats): string {
  const lag =
    replica === undefined
      ? ''
      : replica.isConnected
        ? `, ${replica.lag} behind (${replica.lagMs.toFixed(0)} ms)`
        : ', NOT CONNECTED';
  return `rev ${revision}${lag}, hits ${hitRatioOf(caches)}`;
}

function hitRatioOf(caches: HyperCacheStats['caches']): string {
  let hits = 0;
  let reads = 0;
  for (const { l1Hits, l2Hits, misses } of Object.values(caches)) {
    hits += l1Hits + l2Hits;
    reads += l1Hits + l2Hits + misses;
  }
  return reads === 0 ? '-' : `${((100 * hits) / reads).toFixed(1)} %`;
}
