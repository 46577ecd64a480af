import type { MemoryListener } from '../engine/memory-coherence.js';
import { ChangeKind, type ChangeRow } from './change-log.js';
import type { NamespaceTable } from './namespace-table.js';

/**
 * Drops from memory what others have changed in the file; drops everything when the log no longer covers the changes.
 *
 * @internal
 */
export function forgetChanges(
  namespaces: Pick<NamespaceTable, 'nameOf'>,
  changes: readonly ChangeRow[] | undefined,
  listener: MemoryListener,
): void {
  if (changes === undefined) {
    listener.lost();
    return;
  }
  for (const { namespace_id, kind, key } of changes) {
    // Deletions by prefix and by tag also log each key. A cleared namespace is logged under its new id.
    const namespace = namespaces.nameOf(namespace_id);
    if (namespace === undefined) continue;
    if (kind === ChangeKind.Clear) listener.cleared(namespace);
    else if (kind === ChangeKind.Key) listener.changed(namespace, key);
  }
}
