import { isExpired } from '../../common/expiry.js';
import { ChangeKind } from '../change-log.js';
import type { FoundRow } from '../entry-table.js';
import type { Storage } from '../storage.js';
import type {
  ClearCommand,
  DeletePrefixCommand,
  DeleteTagCommand,
  ExpirePrefixCommand,
  ExpireTagCommand,
  RemovalStep,
} from '../../engine/command.js';
import type { ClearResult, Removal } from '../../engine/command-result.js';
import { expireRow, removeRow } from './entry-commands.js';

/** Entries that one step of a deletion removes at most, so that it does not hold the event loop. */
const STEP_ENTRIES = 500;

/** `clear`: the namespace gets a new id; the rows under the old id are swept later. @internal */
export function clear(storage: Storage, command: ClearCommand): ClearResult {
  const old = storage.namespaces.clear(command.namespace);
  const deleted = storage.counts.of(old);
  storage.changes.append(storage.nextRevision(), old, ChangeKind.Clear, '');
  // The clear is also logged under the new id, so that an earlier fill finds it.
  const revision = storage.nextRevision();
  const id = storage.namespaces.ensure(command.namespace);
  storage.changes.append(revision, id, ChangeKind.Clear, '');
  return { deleted, revision };
}

/**
 * One step of `delByPrefix` or `expireByPrefix`.
 *
 * @param isLate whether the time for this step is over; then the step ends after the next entry
 * @internal
 */
export function removePrefix(
  storage: Storage,
  command: DeletePrefixCommand | ExpirePrefixCommand,
  now: number,
  isLate: () => boolean,
): Removal {
  const { namespace, prefix } = command;
  const namespaceId = storage.namespaces.ensure(namespace);
  const step = command.step ?? begin(storage, namespaceId, ChangeKind.Prefix, prefix);
  const from = step.from === '' ? prefix : step.from;
  const rows = storage.entries.removable(namespaceId, prefix, from, STEP_ENTRIES);
  const isKept = command.kind === 'expirePrefix';
  return removeRows(storage, namespaceId, rows, { step, now, isLate, isKept, behind: behindKey });
}

/**
 * One step of `delByTag` or `expireByTag`.
 *
 * @param isLate as for {@link removePrefix}
 * @internal
 */
export function removeTag(
  storage: Storage,
  command: DeleteTagCommand | ExpireTagCommand,
  now: number,
  isLate: () => boolean,
): Removal {
  const { namespace, tag } = command;
  const namespaceId = storage.namespaces.ensure(namespace);
  const step = command.step ?? begin(storage, namespaceId, ChangeKind.Tag, tag);
  const rows = storage.tags.tagged(namespaceId, tag, Number(step.from), STEP_ENTRIES);
  const isKept = command.kind === 'expireTag';
  return removeRows(storage, namespaceId, rows, { step, now, isLate, isKept, behind: behindId });
}

/** Logs the removal as a whole, so that earlier fills yield to it. */
function begin(storage: Storage, namespaceId: number, kind: ChangeKind, key: string): RemovalStep {
  const before = storage.nextRevision();
  storage.changes.append(before, namespaceId, kind, key);
  return { before, from: '' };
}

/** In byte order, the successor of a string is the string plus a NUL. */
function behindKey({ key }: FoundRow): string {
  return `${key}\0`;
}

function behindId({ id }: FoundRow): string {
  return String(id);
}

interface RemovalParts {
  readonly step: RemovalStep;
  readonly now: number;
  readonly isLate: () => boolean;
  /** Stale entries stay until their windows end. */
  readonly isKept: boolean;
  /** Where the next step begins after this row. */
  readonly behind: (row: FoundRow) => string;
}

function removeRows(
  storage: Storage,
  namespaceId: number,
  rows: readonly FoundRow[],
  { step: { before, from }, now, isLate, isKept, behind }: RemovalParts,
): Removal {
  const keys: string[] = [];
  let deleted = 0;
  let revision = storage.head;
  let seen = 0;
  let next = from;
  for (const row of rows) {
    seen++;
    next = behind(row);
    if (row.key !== null && row.written <= before) {
      if (!isExpired(row.fresh_until, now)) deleted++;
      keys.push(row.key);
      if (isKept) revision = expireRow(storage, namespaceId, row.key, row, now);
      else revision = removeRow(storage, namespaceId, row.key, row);
    }
    if (isLate()) break;
  }
  const isLast = seen === rows.length && rows.length < STEP_ENTRIES;
  return { keys, deleted, revision, next: isLast ? undefined : { before, from: next } };
}
