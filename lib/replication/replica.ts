import { open } from 'node:fs/promises';
import { rmSync } from 'node:fs';
import { PrimaryMismatchError } from '../common/errors.js';
import { forgetTags } from '../commands/entry-commands.js';
import { ChangeKind } from '../storage/change-log.js';
import type { Storage } from '../storage/storage.js';
import { ChangeOp, type Change, type ChangeBatch, type CopiedContent } from './change-batch.js';
import type { Position } from './position.js';
import type { CopiedEntry } from './snapshot-cursor.js';

/** @internal */
export interface ReplicaParts {
  readonly storage: Storage;
  /** A file beside it, not yet open, for a snapshot to be filled into. */
  readonly createSide: () => Storage;
  /** What has left memory: the changes, or everything. */
  readonly onChanged: (changes: readonly Change[] | undefined) => void;
}

interface Snapshot {
  readonly side: Storage;
  readonly source: Omit<Position, 'revision'>;
}

/** Somebody who has to see what the primary holds. */
interface Waiter {
  readonly position: Position;
  readonly reached: () => void;
}

/** Whose history the file follows: the note's presence is what makes the file a replica. @internal */
export const SOURCE_NOTE = 'source';

/**
 * A copy of the primary's entries, under the primary's revisions. Changes come in order, each batch in one
 * transaction with the position that it leads to, which is the head of the file's own log.
 *
 * @internal
 */
export class Replica {
  #source: Omit<Position, 'revision'> | undefined;
  #snapshot: Snapshot | undefined;
  #isExchanging = false;
  #floor: Position | undefined;
  /** Keys whose change came without its content, which a later batch brings, by the first such revision. */
  readonly #missing = new Map<string, number>();
  #waiting: Waiter[] = [];

  constructor(private readonly parts: ReplicaParts) {}

  /** Where it stands; undefined while it holds nothing. */
  get position(): Position | undefined {
    return this.#source && { ...this.#source, revision: this.parts.storage.revision };
  }

  /** Whether reads can be served from it. */
  get isReady(): boolean {
    if (this.#source === undefined) return false;
    if (this.#floor === undefined) return true;
    const { historyId } = this.#floor;
    // Another history cannot be compared: what it has shown is gone.
    if (historyId === this.#source.historyId && !this.#hasReached(this.#floor)) return false;
    this.#floor = undefined;
    return true;
  }

  /** Whether it follows a primary at all. */
  get hasSource(): boolean {
    return this.#source !== undefined;
  }

  /** Whether a snapshot is under way: changes go into it, and not into what is read. */
  get isCopying(): boolean {
    return this.#snapshot !== undefined || this.#isExchanging;
  }

  /** What the primary has shown before: it is not ready until it shows at least as much. */
  mustReach(position: Position): void {
    const floor = this.#floor;
    if (floor?.historyId === position.historyId && isWithin(position, floor)) return;
    this.#floor = position;
  }

  /** Reads from the file whose history it follows; again when a new file was begun. */
  load(): void {
    const note = this.parts.storage.readNote(SOURCE_NOTE);
    this.#source =
      note === undefined ? undefined : (JSON.parse(note) as Omit<Position, 'revision'>);
    this.#missing.clear();
  }

  /** The primary goes on in another epoch, in which everything up to here is the same. */
  follow(historyId: string, epoch: number): void {
    if (this.#source?.historyId === historyId && this.#source.epoch === epoch) return;
    const source = { historyId, epoch };
    const { storage } = this.parts;
    storage.transaction(() => storage.writeNote(SOURCE_NOTE, JSON.stringify(source)));
    this.#source = source;
    this.#settle();
  }

  /**
   * Applies what it does not have yet, in one transaction.
   *
   * @throws {HC_PRIMARY_MISMATCH} when something is missing in between
   */
  apply(batch: ChangeBatch): void {
    if (this.#snapshot !== undefined) {
      this.#copy(this.#snapshot.side, batch);
      return;
    }
    const { storage, onChanged } = this.parts;
    const { revision } = storage;
    if (batch.to <= revision) return;
    if (batch.from > revision) {
      throw new PrimaryMismatchError(
        `The changes ${revision + 1} to ${batch.from} are missing.`,
        'The node connects again and asks for them.',
      );
    }
    const changes = batch.changes.filter(([changed]) => changed > revision);
    storage.transaction(() => {
      adopt(storage, batch.namespaces);
      for (const change of changes) applyLogged(storage, change);
      storage.advanceTo(batch.to);
    });
    for (const change of changes) this.#noteMissing(change);
    onChanged(changes);
    this.#settle();
  }

  /** What follows, up to its end, is everything that the primary holds. */
  beginSnapshot(source: Omit<Position, 'revision'>, namespaces: ChangeBatch['namespaces']): void {
    this.abortSnapshot();
    const side = this.parts.createSide();
    removeFile(side.path);
    side.open();
    side.beginCopy();
    side.transaction(() => adopt(side, namespaces));
    this.#snapshot = { side, source };
  }

  applyPage(namespaceId: number, rows: readonly CopiedEntry[]): void {
    const side = this.#snapshot?.side;
    side?.transaction(() => {
      for (const [key, revision, ...content] of rows) {
        put(side, revision, namespaceId, key, content);
      }
    });
  }

  /** The snapshot is complete as of a revision, and takes the place of what there was. */
  async endSnapshot(revision: number): Promise<void> {
    const snapshot = this.#snapshot;
    if (snapshot === undefined) return;
    this.#snapshot = undefined;
    const { side, source } = snapshot;
    const { storage, onChanged } = this.parts;
    side.transaction(() => {
      side.endCopy(revision);
      side.writeNote(SOURCE_NOTE, JSON.stringify(source));
    });
    side.close();
    this.#isExchanging = true;
    try {
      await sync(side.path);
    } finally {
      this.#isExchanging = false;
    }
    if (!storage.isOpen) return;
    this.#source = undefined;
    storage.exchangeFor(side.path);
    this.load();
    onChanged(undefined);
    this.#settle();
  }

  abortSnapshot(): void {
    const side = this.#snapshot?.side;
    this.#snapshot = undefined;
    side?.close();
    if (side !== undefined) removeFile(side.path);
  }

  /** Resolves to whether everything up to a position is here within a time, in ms. */
  async whenReached(position: Position, timeoutMs: number): Promise<boolean> {
    if (this.#hasReached(position)) return true;
    return new Promise((resolve) => {
      const waiter = {
        position,
        reached: () => {
          clearTimeout(timer);
          resolve(true);
        },
      };
      const timer = setTimeout(() => {
        this.#waiting = this.#waiting.filter((other) => other !== waiter);
        resolve(false);
      }, timeoutMs);
      this.#waiting.push(waiter);
    });
  }

  #settle(): void {
    if (this.#waiting.length === 0) return;
    const left: Waiter[] = [];
    for (const waiter of this.#waiting) {
      if (this.#hasReached(waiter.position)) waiter.reached();
      else left.push(waiter);
    }
    this.#waiting = left;
  }

  #hasReached(position: Position): boolean {
    const own = this.position;
    if (own?.historyId !== position.historyId || !isWithin(position, own)) return false;
    for (const revision of this.#missing.values()) if (revision <= position.revision) return false;
    return true;
  }

  /** What was changed again before it could be read has not come yet, though later changes have. */
  #noteMissing([revision, namespaceId, op, key]: Change): void {
    const id = `${namespaceId} ${key}`;
    if (op === ChangeOp.Put || op === ChangeOp.Delete) this.#missing.delete(id);
    else if (op === ChangeOp.Superseded && !this.#missing.has(id)) this.#missing.set(id, revision);
  }

  /** While the pages come, what is known of an entry is newer than any page before. */
  #copy(side: Storage, { namespaces, changes }: ChangeBatch): void {
    side.transaction(() => {
      adopt(side, namespaces);
      for (const [revision, namespaceId, op, key, ...content] of changes) {
        if (op === ChangeOp.Put) {
          put(side, revision, namespaceId, key, content as CopiedContent);
        } else if (op === ChangeOp.Delete) removeEntry(side, namespaceId, key);
      }
    });
  }
}

/** Within one history: a later epoch goes on from what was committed in the one before. */
function isWithin(position: Position, other: Position): boolean {
  return position.epoch <= other.epoch && position.revision <= other.revision;
}

function adopt(storage: Storage, namespaces: ChangeBatch['namespaces']): void {
  for (const [name, id] of namespaces) storage.namespaces.adopt(name, id);
}

/** Every change is logged under its revision: a put by the table itself. */
function applyLogged(storage: Storage, [revision, namespaceId, op, key, ...content]: Change): void {
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

function put(
  storage: Storage,
  revision: number,
  namespaceId: number,
  key: string,
  [value, expiresAt, tagSet = 0, tags = []]: CopiedContent,
): void {
  const { entries } = storage;
  const inserted = entries.put({ namespaceId, key, value, expiresAt, revision, tagSet });
  if (tagSet === 0) return;
  const id = inserted ?? entries.find(namespaceId, key)?.id;
  if (id !== undefined) storage.tags.replace(namespaceId, id, tagSet, tags);
}

function removeEntry(storage: Storage, namespaceId: number, key: string): void {
  const row = storage.entries.remove(namespaceId, key);
  if (row !== undefined) forgetTags(storage, row);
}

function removeFile(path: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
}

/** Without holding the event loop, as a sync by SQLite would. */
async function sync(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
