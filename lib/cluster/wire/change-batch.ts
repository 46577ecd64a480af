import { storedBytes, type StoredValue } from '../../value/codec.js';
import { ChangeKind } from '../../sqlite/change-log.js';
import type { EntryRow } from '../../sqlite/entry-table.js';
import type { SourceRun } from '../../sqlite/source-table.js';
import type { Storage } from '../../sqlite/storage.js';
import { lifetimeToWire, type WireLifetime } from './fields.js';

/** Kinds of changes, as they travel. @internal */
export const ChangeOp = {
  /** The entry as it is now. */
  Put: 0,
  Delete: 1,
  /** The entry has changed again since; a later batch contains it. */
  Superseded: 2,
  Clear: 3,
  Prefix: 4,
  Tag: 5,
} as const;

/** An entry's content as it travels. `tagSet` and `tags` are present only when it has tags. @internal */
export type CopiedContent = [
  value: StoredValue,
  lifetime: WireLifetime,
  tagSet?: number,
  tags?: readonly string[],
];

/** @internal */
export type Change = readonly [
  revision: number,
  namespaceId: number,
  op: number,
  key: string,
  ...content: CopiedContent | [],
];

/** The last change of each key, after one revision and up to another. @internal */
export interface ChangeBatch {
  readonly from: number;
  readonly to: number;
  /** The names of the namespaces that occur in the batch. */
  readonly namespaces: readonly (readonly [name: string, id: number])[];
  readonly changes: readonly Change[];
  /** The asynchronous writes of other nodes among the changes. */
  readonly runs: readonly SourceRun[];
}

/** Bounds of one batch, so that it holds the event loop on neither side for long. */
const BATCH_CHANGES = 500;
const BATCH_BYTES = 512 * 1024;
/** The cost of reading and writing a tag, in bytes, in addition to its text. */
const TAG_BYTES = 1024;

/**
 * The changes after a revision, with the entries as they are now. An entry that changed after the end of the batch is
 * left to the next batch, so no entry arrives before what it depends on.
 *
 * @internal
 */
export function readChanges(storage: Storage, from: number): ChangeBatch {
  const rows = storage.changes.page(from, BATCH_CHANGES);
  const last = new Map<string, number>();
  for (const { namespace_id, kind, key, revision } of rows) {
    if (kind === ChangeKind.Key) last.set(`${namespace_id} ${key}`, revision);
  }
  const live = new Set(storage.namespaces.all().map(([, id]) => id));
  const changes: Change[] = [];
  const repeated: Change[] = [];
  let to = rows.at(-1)?.revision ?? from;
  let bytes = 0;
  const written = storage.entries.changedIn(from, to);
  try {
    let next = nextOf(written);
    for (const { revision, namespace_id: id, kind, key } of rows) {
      if (kind !== ChangeKind.Key) {
        changes.push([revision, id, OP_OF[kind], key]);
        continue;
      }
      if (last.get(`${id} ${key}`) !== revision) {
        repeated.push([revision, id, ChangeOp.Superseded, key]);
        continue;
      }
      while (next !== undefined && next.revision < revision) next = nextOf(written);
      let row: EntryRow | undefined;
      // What a cleared namespace held is gone, swept or not: no node learns its id any more.
      if (live.has(id)) row = next?.revision === revision ? next : storage.entries.find(id, key);
      const change = changeOf(storage, revision, id, key, row);
      const [, , , , ...content] = change;
      bytes += key.length + bytesOf(content);
      changes.push(change);
      if (bytes > BATCH_BYTES) {
        to = revision;
        break;
      }
    }
  } finally {
    written.return?.();
  }
  for (const change of repeated) {
    const [, id, , key] = change;
    if ((last.get(`${id} ${key}`) ?? 0) > to) changes.push(change);
  }
  const runs = storage.sources.between(from, to);
  return { from, to, namespaces: namesOf(storage, changes), changes, runs };
}

/** An entry's content as it travels. @internal */
export function contentOf(storage: Storage, row: EntryRow): CopiedContent {
  const lifetime = lifetimeToWire(row.expires_at, row.fresh_until);
  if (row.tag_set === 0) return [row.value, lifetime];
  return [row.value, lifetime, row.tag_set, storage.tags.ofEntry(row.id, row.tag_set)];
}

/** The bytes that count for the bounds of a batch or a page. @internal */
export function bytesOf([value, , , tags = []]: CopiedContent | []): number {
  let bytes = value === undefined ? 0 : storedBytes(value);
  for (const tag of tags) bytes += tag.length + TAG_BYTES;
  return bytes;
}

const OP_OF = {
  [ChangeKind.Clear]: ChangeOp.Clear,
  [ChangeKind.Prefix]: ChangeOp.Prefix,
  [ChangeKind.Tag]: ChangeOp.Tag,
} as const;

function nextOf(rows: IterableIterator<EntryRow>): EntryRow | undefined {
  const { value, done } = rows.next();
  return done === true ? undefined : value;
}

function changeOf(
  storage: Storage,
  revision: number,
  namespaceId: number,
  key: string,
  row: EntryRow | undefined,
): Change {
  if (row === undefined) return [revision, namespaceId, ChangeOp.Delete, key];
  if (row.revision > revision) return [revision, namespaceId, ChangeOp.Superseded, key];
  return [revision, namespaceId, ChangeOp.Put, key, ...contentOf(storage, row)];
}

function namesOf(storage: Storage, changes: readonly Change[]): ChangeBatch['namespaces'] {
  const ids = new Set(changes.map(([, id]) => id));
  return storage.namespaces.all().filter(([, id]) => ids.has(id));
}
