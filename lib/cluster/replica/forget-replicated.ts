import type { MemoryListener } from '../../engine/memory-coherence.js';
import type { Storage } from '../../sqlite/storage.js';
import { ChangeOp, type Change } from '../wire/change-batch.js';

/** Drops from memory what the primary has changed; after a snapshot, drops everything. @internal */
export function forgetReplicated(
  storage: Storage,
  changes: readonly Change[] | undefined,
  listener: MemoryListener,
): void {
  if (changes === undefined) {
    listener.lost();
    return;
  }
  for (const [, namespaceId, op, key] of changes) {
    const namespace = storage.namespaces.nameOf(namespaceId);
    if (namespace === undefined) continue;
    if (op === ChangeOp.Clear) listener.cleared(namespace);
    else listener.changed(namespace, key);
  }
}
