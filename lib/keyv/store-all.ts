import { assertKey } from '../common/keys.js';
import type { NodeCache, NodeWrite } from '../node/hyper-cache-node.js';

/**
 * Sets all entries, but deletes an entry whose value is undefined: in cache-manager and Keyv that is always a miss.
 *
 * @internal
 */
export async function storeAll(cache: NodeCache, writes: readonly NodeWrite[]): Promise<void> {
  const gone = writes.filter(({ value }) => value === undefined).map(({ key }) => key);
  // An unacceptable key keeps the others from being stored.
  for (const key of gone) assertKey(key);
  await cache.mset(gone.length === 0 ? writes : writes.filter(({ value }) => value !== undefined));
  if (gone.length > 0) await cache.mdelete(gone);
}
