import { NotAnIntegerError, NumberRangeError } from '../../common/errors.js';
import { isExpired } from '../../common/expiry.js';
import { ChangeKind } from '../change-log.js';
import type { RemovableRow } from '../entry-table.js';
import type { Storage } from '../storage.js';
import type {
  DeleteCommand,
  DeleteResult,
  IncrementCommand,
  IncrementResult,
  PullCommand,
  PullResult,
  TouchCommand,
  TouchResult,
} from '../../engine/command.js';

/**
 * `delete`. A missing key is logged too, so that a fill that began before gives way to it.
 *
 * @internal
 */
export function remove(storage: Storage, command: DeleteCommand, now: number): DeleteResult {
  const namespaceId = storage.namespaces.ensure(command.namespace);
  const row = storage.entries.remove(namespaceId, command.key);
  if (row !== undefined) forgetTags(storage, row);
  const revision = logKey(storage, namespaceId, command.key);
  return { deleted: row !== undefined && !isExpired(row.expires_at, now), revision };
}

/** `pull`: the live value, which is deleted by being read. @internal */
export function pull(storage: Storage, command: PullCommand, now: number): PullResult {
  const namespaceId = storage.namespaces.ensure(command.namespace);
  const row = storage.entries.find(namespaceId, command.key);
  const { deleted, revision } = remove(storage, { ...command, kind: 'delete' }, now);
  return { value: deleted ? row?.value : undefined, revision };
}

/** `touch`: a new deadline for a live entry. @internal */
export function touch(storage: Storage, command: TouchCommand, now: number): TouchResult {
  const row = findLive(storage, command.namespace, command.key, now);
  if (row === undefined) return { touched: false, revision: storage.head };
  const revision = storage.nextRevision();
  storage.entries.setExpiry(row.id, command.expiresAt, revision);
  return { touched: true, revision };
}

/**
 * `increment`: an existing counter keeps its deadline, a missing or expired one starts at `initial`.
 *
 * @throws {HC_NOT_AN_INTEGER | HC_NUMBER_RANGE} before anything is written
 * @internal
 */
export function increment(
  storage: Storage,
  command: IncrementCommand,
  now: number,
): IncrementResult {
  const { namespace, key } = command;
  const row = findLive(storage, namespace, key, now);
  const value = sum(row === undefined ? command.initial : row.value, command.by);
  if (row !== undefined) {
    const revision = storage.nextRevision();
    storage.entries.setValue(row.id, value, revision);
    return { value, expiresAt: row.expires_at, revision };
  }
  const namespaceId = storage.namespaces.ensure(namespace);
  const revision = storage.nextRevision();
  const { expiresAt } = command;
  storage.entries.put({ namespaceId, key, value, expiresAt, revision, tagSet: 0 });
  return { value, expiresAt, revision };
}

/** Logs a deletion of one key; returns its revision. @internal */
export function logKey(storage: Storage, namespaceId: number, key: string): number {
  const revision = storage.nextRevision();
  storage.changes.append(revision, namespaceId, ChangeKind.Key, key);
  return revision;
}

/** @internal */
export function forgetTags(storage: Storage, row: Pick<RemovableRow, 'id' | 'tag_set'>): void {
  if (row.tag_set !== 0) storage.tags.removeOfEntry(row.id);
}

function findLive(storage: Storage, namespace: string, key: string, now: number) {
  const namespaceId = storage.namespaces.idOf(namespace);
  if (namespaceId === undefined) return undefined;
  const row = storage.entries.find(namespaceId, key);
  return row === undefined || isExpired(row.expires_at, now) ? undefined : row;
}

function sum(current: unknown, by: number): number {
  if (!Number.isSafeInteger(current)) throw new NotAnIntegerError('The stored value');
  const value = Number(current) + by;
  if (!Number.isSafeInteger(value)) throw new NumberRangeError();
  return value;
}
