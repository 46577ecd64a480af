import { ChangeKind } from '../../sqlite/change-log.js';
import type { Storage } from '../../sqlite/storage.js';
import {
  ChangeOp,
  type Change,
  type ChangeBatch,
  type CopiedContent,
} from '../wire/change-batch.js';
import { Fields } from '../wire/fields.js';

/** @internal */
export function adopt(storage: Storage, namespaces: ChangeBatch['namespaces']): void {
  for (const [name, id] of namespaces) storage.namespaces.adopt(name, id);
}

/** Logs every change under its revision; the table's trigger logs a put. @internal */
export function applyLogged(
  storage: Storage,
  [revision, namespaceId, op, key, ...content]: Change,
): void {
  switch (op) {
    case ChangeOp.Put:
      put(storage, revision, namespaceId, key, content as CopiedContent);
      return;
    case ChangeOp.Delete:
      removeEntry(storage, namespaceId, key);
      storage.changes.append(revision, namespaceId, ChangeKind.Key, key);
      return;
    case ChangeOp.Superseded:
      storage.changes.append(revision, namespaceId, ChangeKind.Key, key);
      return;
    default:
      storage.changes.append(revision, namespaceId, KIND_OF[op] ?? ChangeKind.Clear, key);
  }
}

const KIND_OF: Readonly<Record<number, ChangeKind>> = {
  [ChangeOp.Clear]: ChangeKind.Clear,
  [ChangeOp.Prefix]: ChangeKind.Prefix,
  [ChangeOp.Tag]: ChangeKind.Tag,
};

/** @internal */
export function put(
  storage: Storage,
  revision: number,
  namespaceId: number,
  key: string,
  [value, lifetime, tagSet = 0, tags = []]: CopiedContent,
): void {
  const { entries } = storage;
  const ends = new Fields([lifetime]).lifetime();
  const inserted = entries.put({ namespaceId, key, value, ...ends, revision, tagSet });
  if (tagSet === 0) return;
  const id = inserted ?? entries.find(namespaceId, key)?.id;
  if (id !== undefined) storage.tags.add(namespaceId, id, tagSet, tags);
}

/**
 * Removes an entry. Its tags no longer count and are left to the sweeper, because a batch does not contain their
 * number.
 *
 * @internal
 */
export function removeEntry(storage: Storage, namespaceId: number, key: string): void {
  storage.entries.remove(namespaceId, key);
}
