import { FencedError } from '../../common/errors.js';
import { isExpired } from '../../common/expiry.js';
import { LeaseKind } from '../../engine/lease.js';
import type { Storage } from '../storage.js';
import type { AddCommand, FillCommand, SetCommand, SetIfCommand } from '../../engine/command.js';
import type { StoreResult } from '../../engine/command-result.js';

/**
 * `set`: stores the value, unless a later token of its fence was granted.
 *
 * @throws {HC_FENCED} before anything is written
 * @internal
 */
export function set(storage: Storage, command: SetCommand): StoreResult {
  const { fence } = command;
  if (fence !== undefined) {
    const last = storage.leases.lastToken({ kind: LeaseKind.Lock, name: fence.name });
    if (last > fence.token) throw new FencedError(fence.name, fence.token);
  }
  return put(storage, command);
}

/** `add`: stores the value if the key is missing, stale or expired. @internal */
export function add(storage: Storage, command: AddCommand, now: number): StoreResult {
  const revision = freshRevision(storage, command, now);
  return revision === 0 ? put(storage, command) : { stored: false, revision };
}

/** `setIf`: compare-and-set on the revision; 0 means a missing entry. @internal */
export function setIf(storage: Storage, command: SetIfCommand, now: number): StoreResult {
  const revision = freshRevision(storage, command, now);
  return revision === command.revision ? put(storage, command) : { stored: false, revision };
}

/**
 * `fill`: stores what a factory made, unless anything has happened to the key since it was found missing. A deletion or
 * a newer write wins over it (G6). An older entry does not prevent the fill: it was found too, and could not be read.
 *
 * @internal
 */
export function fill(storage: Storage, command: FillCommand, now: number): StoreResult {
  const revision = freshRevision(storage, command, now);
  const namespaceId = storage.namespaces.idOf(command.namespace);
  const conflict =
    revision > command.seen ||
    storage.changes.conflictsWith(
      { namespaceId: namespaceId ?? 0, key: command.key, tags: command.tags, seen: command.seen },
      storage.head,
    );
  return conflict ? { stored: false, revision } : put(storage, command);
}

function put(
  storage: Storage,
  command: SetCommand | AddCommand | SetIfCommand | FillCommand,
): StoreResult {
  const { key, value, expiresAt, freshUntil, tags } = command;
  const namespaceId = storage.namespaces.ensure(command.namespace);
  const revision = storage.nextRevision();
  const tagSet = tags.length === 0 ? 0 : revision;
  const entry = { namespaceId, key, value, expiresAt, freshUntil, revision, tagSet };
  const inserted = storage.entries.put(entry);
  if (tagSet === 0) return { stored: true, revision };
  const id = inserted ?? storage.entries.find(namespaceId, key)?.id;
  if (inserted !== undefined) storage.tags.add(namespaceId, inserted, revision, tags);
  else if (id !== undefined) storage.tags.replace(namespaceId, id, revision, tags);
  return { stored: true, revision };
}

function freshRevision(
  storage: Storage,
  { namespace, key }: { namespace: string; key: string },
  now: number,
): number {
  const namespaceId = storage.namespaces.idOf(namespace);
  if (namespaceId === undefined) return 0;
  const row = storage.entries.find(namespaceId, key);
  return row === undefined || isExpired(row.fresh_until, now) ? 0 : row.revision;
}
