import { NotAnIntegerError, NumberRangeError } from '../../common/errors.js';
import { endAfter, isExpired, staleNow } from '../../common/expiry.js';
import { ChangeKind } from '../change-log.js';
import type { EntryRow, RemovedRow } from '../entry-table.js';
import type { Storage } from '../storage.js';
import type {
  DeleteCommand,
  ExpireCommand,
  IncrementCommand,
  PullCommand,
  TouchCommand,
} from '../../engine/command.js';
import type {
  DeleteResult,
  ExpireResult,
  IncrementResult,
  PullResult,
  TouchResult,
} from '../../engine/command-result.js';

/**
 * `delete`. A missing key is logged too, so that an earlier fill yields to the deletion.
 *
 * @internal
 */
export function remove(storage: Storage, command: DeleteCommand, now: number): DeleteResult {
  const namespaceId = storage.namespaces.ensure(command.namespace);
  const row = storage.entries.remove(namespaceId, command.key);
  if (row !== undefined) forgetTags(storage, row);
  const revision = logKey(storage, namespaceId, command.key);
  return { deleted: row !== undefined && !isExpired(row.fresh_until, now), revision };
}

/** `pull`: returns the fresh value and deletes it. @internal */
export function pull(storage: Storage, command: PullCommand, now: number): PullResult {
  const namespaceId = storage.namespaces.ensure(command.namespace);
  const row = storage.entries.find(namespaceId, command.key);
  const { deleted, revision } = remove(storage, { ...command, kind: 'delete' }, now);
  return { value: deleted ? row?.value : undefined, revision };
}

/** `touch`: gives a fresh entry a new deadline; its windows keep their length. @internal */
export function touch(storage: Storage, command: TouchCommand, now: number): TouchResult {
  const row = findFresh(storage, command.namespace, command.key, now);
  if (row === undefined) return { touched: false, revision: storage.head };
  const { expiresAt: freshUntil } = command;
  // An entry that never expires has no window.
  const windowMs = row.fresh_until === row.expires_at ? 0 : row.expires_at - row.fresh_until;
  const revision = storage.nextRevision();
  const expiresAt = endAfter(freshUntil, windowMs);
  storage.entries.setLifetime(row.id, { freshUntil, expiresAt }, revision);
  return { touched: true, revision };
}

/**
 * `expire`: makes a fresh entry stale from now on, or removes it when it has no window. It is logged in any case, so
 * that earlier fills yield to it.
 *
 * @internal
 */
export function expire(storage: Storage, command: ExpireCommand, now: number): ExpireResult {
  const { key, keeps } = command;
  const namespaceId = storage.namespaces.ensure(command.namespace);
  const row = storage.entries.find(namespaceId, key);
  if (row === undefined) return { expired: false, revision: logKey(storage, namespaceId, key) };
  if (keeps === true) return { expired: false, revision: overtake(storage, row) };
  const revision = expireRow(storage, namespaceId, key, row, now);
  return { expired: !isExpired(row.fresh_until, now), revision };
}

/** Makes a found entry stale, or removes it when it has no window; returns the revision. @internal */
export function expireRow(
  storage: Storage,
  namespaceId: number,
  key: string,
  row: RemovedRow,
  now: number,
): number {
  const { fresh_until, expires_at: expiresAt } = row;
  if (fresh_until === expiresAt) return removeRow(storage, namespaceId, key, row);
  const revision = storage.nextRevision();
  const freshUntil = staleNow(fresh_until, now);
  storage.entries.setLifetime(row.id, { freshUntil, expiresAt }, revision);
  return revision;
}

/** Leaves the entry unchanged, but earlier fills yield to it. */
function overtake(storage: Storage, { id }: Pick<RemovedRow, 'id'>): number {
  const revision = storage.nextRevision();
  storage.entries.setRevision(id, revision);
  return revision;
}

/**
 * `increment`: an existing counter keeps its deadlines. A missing, stale or expired one starts at `initial`.
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
  const row = findFresh(storage, namespace, key, now);
  const value = sum(row === undefined ? command.initial : row.value, command.by);
  if (row !== undefined) {
    const revision = storage.nextRevision();
    storage.entries.setValue(row.id, value, revision);
    return { value, expiresAt: row.expires_at, freshUntil: row.fresh_until, revision };
  }
  const namespaceId = storage.namespaces.ensure(namespace);
  const revision = storage.nextRevision();
  const { expiresAt } = command;
  storage.entries.put({ namespaceId, key, value, expiresAt, revision, tagSet: 0 });
  return { value, expiresAt, freshUntil: expiresAt, revision };
}

/** Removes and logs a found entry; returns the revision. @internal */
export function removeRow(
  storage: Storage,
  namespaceId: number,
  key: string,
  row: Pick<EntryRow, 'id' | 'tag_set'>,
): number {
  storage.entries.removeById(row.id, namespaceId);
  forgetTags(storage, row);
  return logKey(storage, namespaceId, key);
}

/** Logs a deletion of one key; returns its revision. @internal */
export function logKey(storage: Storage, namespaceId: number, key: string): number {
  const revision = storage.nextRevision();
  storage.changes.append(revision, namespaceId, ChangeKind.Key, key);
  return revision;
}

/** @internal */
export function forgetTags(storage: Storage, row: Pick<EntryRow, 'id' | 'tag_set'>): void {
  if (row.tag_set !== 0) storage.tags.removeOfEntry(row.id);
}

function findFresh(storage: Storage, namespace: string, key: string, now: number) {
  const namespaceId = storage.namespaces.idOf(namespace);
  if (namespaceId === undefined) return undefined;
  const row = storage.entries.find(namespaceId, key);
  return row === undefined || isExpired(row.fresh_until, now) ? undefined : row;
}

function sum(current: unknown, by: number): number {
  if (!Number.isSafeInteger(current)) throw new NotAnIntegerError('The stored value');
  const value = Number(current) + by;
  if (!Number.isSafeInteger(value)) throw new NumberRangeError();
  return value;
}
