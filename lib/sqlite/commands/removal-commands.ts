import { isExpired } from '../../common/expiry.js';
import { ChangeKind } from '../change-log.js';
import type { RemovableRow } from '../entry-table.js';
import type { Storage } from '../storage.js';
import type {
  ClearCommand,
  ClearResult,
  DeletePrefixCommand,
  DeleteTagCommand,
  Removal,
  RemovalStep,
} from '../../engine/command.js';
import { forgetTags, logKey } from './entry-commands.js';

/** Entries that one step of a deletion removes at most, so that it does not hold the event loop. */
const STEP_ENTRIES = 500;

type Found = Omit<RemovableRow, 'namespace_id'>;

/** `clear`: the namespace moves to a new id; the rows under the old one are swept later. @internal */
export function clear(storage: Storage, command: ClearCommand): ClearResult {
  const old = storage.namespaces.clear(command.namespace);
  const deleted = storage.counts.of(old);
  storage.changes.append(storage.nextRevision(), old, ChangeKind.Clear, '');
  // The new id logs it too, so that a fill that began before the clear finds it.
  const revision = storage.nextRevision();
  const id = storage.namespaces.ensure(command.namespace);
  storage.changes.append(revision, id, ChangeKind.Clear, '');
  return { deleted, revision };
}

/** One step of `delByPrefix`. @internal */
export function deletePrefix(storage: Storage, command: DeletePrefixCommand, now: number): Removal {
  const { namespace, prefix } = command;
  const namespaceId = storage.namespaces.ensure(namespace);
  const step = command.step ?? begin(storage, namespaceId, ChangeKind.Prefix, prefix);
  const from = step.from === '' ? prefix : step.from;
  const rows = storage.entries.removable(namespaceId, prefix, from, step.before, STEP_ENTRIES);
  // The successor of a string in byte order is the string and a NUL.
  return removeRows(storage, namespaceId, rows, now, step, `${rows.at(-1)?.key ?? ''}\0`);
}

/** One step of `delByTag`. @internal */
export function deleteTag(storage: Storage, command: DeleteTagCommand, now: number): Removal {
  const { namespace, tag } = command;
  const namespaceId = storage.namespaces.ensure(namespace);
  const step = command.step ?? begin(storage, namespaceId, ChangeKind.Tag, tag);
  const rows = storage.tags.tagged(namespaceId, tag, step.before, STEP_ENTRIES);
  return removeRows(storage, namespaceId, rows, now, step, '');
}

/** Logs the deletion as a whole, so that fills that began before give way to it. */
function begin(storage: Storage, namespaceId: number, kind: ChangeKind, key: string): RemovalStep {
  const before = storage.nextRevision();
  storage.changes.append(before, namespaceId, kind, key);
  return { before, from: '' };
}

function removeRows(
  storage: Storage,
  namespaceId: number,
  rows: readonly Found[],
  now: number,
  { before }: RemovalStep,
  from: string,
): Removal {
  let deleted = 0;
  let revision = storage.head;
  for (const row of rows) {
    storage.entries.removeById(row.id, namespaceId);
    forgetTags(storage, row);
    revision = logKey(storage, namespaceId, row.key);
    if (!isExpired(row.expires_at, now)) deleted++;
  }
  const next = rows.length < STEP_ENTRIES ? undefined : { before, from };
  return { keys: rows.map(({ key }) => key), deleted, revision, next };
}
