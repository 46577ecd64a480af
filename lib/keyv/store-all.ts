import { assertKey } from '../common/keys.js';
import type { NodeCache, NodeWrite } from '../node/hyper-cache-node.js';

/**
 * Sets all, and, because undefined is a miss everywhere in cache-manager and Keyv, deletes what is undefined.
 *
 * @internal
 */
export async function storeAll(cache: NodeCache, writes: readonly NodeWrite[]): Promise<void> {
  const gone = writes.filter(({ value }) => value === undefined).map(({ key }) => key);
  // One that is not acceptable keeps the others from being stored.
  for (const key of gone) assertKey(key);
  await cache.mset(gone.length === 0 ? writes : writes.filter(({ value }) => value !== undefined));
  if (gone.length > 0) await cache.mdelete(gone);
}
