import { open } from 'node:fs/promises';
import { rmSync } from 'node:fs';
import type { Clock } from '../../common/clock.js';
import { compositeKey } from '../../common/composite-key.js';
import { PrimaryMismatchError } from '../../common/errors.js';
import { Waiters } from '../../common/waiters.js';
import { ChangeKind } from '../../sqlite/change-log.js';
import type { SourceMark } from '../../sqlite/source-table.js';
import type { Storage } from '../../sqlite/storage.js';
import { whenFree, type Patience } from '../../sqlite/when-free.js';
import {
  ChangeOp,
  type Change,
  type ChangeBatch,
  type CopiedContent,
} from '../wire/change-batch.js';
import {
  ANCESTORS_META_KEY,
  formatAncestors,
  parseAncestors,
  type Ancestor,
} from '../failover/ancestry.js';
import { Fields } from '../wire/fields.js';
import type { Position } from '../wire/position.js';
import type { CopiedEntry } from '../feed/snapshot-cursor.js';

/** @internal */
export interface ReplicaParts {
  readonly storage: Storage;
  readonly clock: Clock;
  /** A file beside it, not yet open, for a snapshot to be filled into. */
  readonly createSide: () => Storage;
  /** What has left memory: the changes, or everything. */
  readonly onChanged: (changes: readonly Change[] | undefined) => void;
  /** Where the primary is reached: for the day on which this replica takes its place. */
  readonly primary: PrimaryAddress;
}

/** @internal */
export interface PrimaryAddress {
  readonly url: string;
  /** Of its API. */
  readonly path: string;
}

/** Whose changes are followed. @internal */
export interface Source extends Omit<Position, 'revision'> {
  readonly ancestors: readonly Ancestor[];
}

interface Snapshot {
  readonly side: Storage;
  readonly source: Source;
}

/** Whose history the file follows: the note's presence is what makes the file a replica. @internal */
export const SOURCE_META_KEY = 'source';

/** @internal */
export interface SourceMeta extends Omit<Position, 'revision'> {
  /** When its epoch was met first, in Unix ms. */
  readonly at?: number;
}

/** Where the primary that is followed is reached. @internal */
export const PRIMARY_META_KEY = 'primary';

/**
 * Changes have come whose content has not: what the file holds is no state that the primary was in.
 *
 * @internal
 */
export const INCOMPLETE_META_KEY = 'incomplete';

/** The operator's word that another history may take the place of the one that is followed, once. @internal */
export const ACCEPT_META_KEY = 'accept_new_history';

/** The history of a primary that came back empty, and was not accepted. */
const REFUSED_META_KEY = 'refused_history';

/** Stands for the keys that were missing before a restart; no position waits for it. */
const UNKNOWN_KEYS = ['', Number.POSITIVE_INFINITY] as const;

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
  #missing = new Map<string, number>();
  /** Where the keys that were missing before a restart have come. */
  #completeAt = Number.POSITIVE_INFINITY;
  /** Callers that have to see what the primary holds there. */
  readonly #waiting = new Waiters<Position>();

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

  /** Whether everything up to its position is here. */
  get isComplete(): boolean {
    return this.#missing.size === 0;
  }

  /** The histories before the one that it follows. */
  get ancestors(): readonly Ancestor[] {
    return parseAncestors(this.parts.storage.readMeta(ANCESTORS_META_KEY));
  }

  /** Whether the operator has allowed that another history takes the place of this one. */
  get acceptsNewHistory(): boolean {
    return this.parts.storage.readMeta(ACCEPT_META_KEY) !== undefined;
  }

  /** The history that was refused because it was empty. */
  get refused(): string | undefined {
    return this.parts.storage.readMeta(REFUSED_META_KEY);
  }

  /** Remembers it for as long as this file is there, over restarts too. */
  refuse(historyId: string): void {
    const { storage } = this.parts;
    if (this.refused === historyId) return;
    storage.transaction(() => storage.writeMeta(REFUSED_META_KEY, historyId));
  }

  /** What the primary has shown before: it is not ready until it shows at least as much. */
  mustReach(position: Position): void {
    const floor = this.#floor;
    if (floor?.historyId === position.historyId && isWithin(position, floor)) return;
    this.#floor = position;
  }

  /** Reads from the file whose history it follows; again when a new file was begun. */
  load(): void {
    const { storage } = this.parts;
    this.#source = sourceOf(storage.readMeta(SOURCE_META_KEY));
    this.#missing.clear();
    this.#completeAt = Number.POSITIVE_INFINITY;
    if (storage.readMeta(INCOMPLETE_META_KEY) !== undefined) this.#missing.set(...UNKNOWN_KEYS);
  }

  /** As {@link load}, of a file that another process keeps up to date; whenever that one has written. */
  observe(): void {
    const { storage } = this.parts;
    this.load();
    // Which keys are missing only the other one knows: nobody is told that anything is complete.
    if (storage.readMeta(INCOMPLETE_META_KEY) !== undefined) this.#missing.set(UNKNOWN_KEYS[0], 0);
    this.#settle();
  }

  /** The file is closed: there is nothing to read. */
  unload(): void {
    this.#source = undefined;
    this.#missing.clear();
  }

  /**
   * The primary goes on in another epoch, or another history, in which everything up to here is the same.
   *
   * @param head of the primary: who has come so far misses nothing
   */
  follow(source: Source, head: number): void {
    const { historyId, epoch } = source;
    const { storage, primary, clock } = this.parts;
    this.#completeAt = head;
    const isKnown = this.#source?.historyId === historyId && this.#source.epoch === epoch;
    const isAccepting = storage.readMeta(ACCEPT_META_KEY) !== undefined;
    const isHere = storage.readMeta(PRIMARY_META_KEY) === JSON.stringify(primary);
    if (isKnown && isHere && !isAccepting && this.#missing.size === 0) return;
    if (storage.revision >= head) this.#missing.delete(UNKNOWN_KEYS[0]);
    storage.transaction(() => {
      writeSource(storage, source, primary, clock.now());
      storage.removeMeta(ACCEPT_META_KEY);
      noteIncomplete(storage, this.#missing.size > 0);
    });
    this.#source = { historyId, epoch };
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
    const { storage, clock, onChanged } = this.parts;
    const { revision } = storage;
    if (batch.to <= revision) return;
    if (batch.from > revision) {
      throw new PrimaryMismatchError(
        `The changes ${revision + 1} to ${batch.from} are missing.`,
        'The node connects again and asks for them.',
      );
    }
    const changes = batch.changes.filter(([changed]) => changed > revision);
    const missing = new Map(this.#missing);
    for (const change of changes) noteMissing(missing, change);
    if (batch.to >= this.#completeAt) missing.delete(UNKNOWN_KEYS[0]);
    const isComplete = missing.size === 0;
    const isTurning = isComplete !== this.isComplete;
    storage.transaction(() => {
      adopt(storage, batch.namespaces);
      for (const change of changes) applyLogged(storage, change);
      storage.sources.record(batch.runs, clock.now());
      storage.advanceTo(batch.to);
      if (isTurning) noteIncomplete(storage, !isComplete);
    });
    this.#missing = missing;
    onChanged(changes);
    this.#settle();
  }

  /** What follows, up to its end, is everything that the primary holds. */
  beginSnapshot(
    source: Source,
    namespaces: ChangeBatch['namespaces'],
    marks: readonly SourceMark[],
  ): void {
    this.abortSnapshot();
    const { createSide, clock } = this.parts;
    const side = createSide();
    removeFile(side.path);
    // Known before it is opened: whatever fails from here on, the abort closes it.
    this.#snapshot = { side, source };
    side.open();
    side.beginCopy();
    side.transaction(() => {
      adopt(side, namespaces);
      side.sources.mark(marks, clock.now());
    });
  }

  applyPage(namespaceId: number, rows: readonly CopiedEntry[]): void {
    const side = this.#snapshot?.side;
    side?.transaction(() => {
      for (const [key, revision, ...content] of rows) {
        put(side, revision, namespaceId, key, content);
      }
    });
  }

  /**
   * The snapshot is complete as of a revision, and takes the place of what there was, as soon as no other process is just
   * opening that.
   */
  async endSnapshot(revision: number, patience: Patience): Promise<void> {
    const snapshot = this.#snapshot;
    if (snapshot === undefined) return;
    const { side, source } = snapshot;
    side.transaction(() => {
      side.endCopy(revision);
      writeSource(side, source, this.parts.primary, this.parts.clock.now());
    });
    this.#snapshot = undefined;
    this.#isExchanging = true;
    try {
      side.close();
      await sync(side.path);
      await whenFree(() => this.#exchangeFor(side.path), patience);
    } finally {
      this.#isExchanging = false;
      // There is still one if it did not take the place.
      removeFile(side.path);
    }
  }

  #exchangeFor(path: string): void {
    const { storage, onChanged } = this.parts;
    if (!storage.isOpen) return;
    try {
      storage.exchangeFor(path);
    } finally {
      if (!storage.isOpen) this.unload();
    }
    this.load();
    onChanged(undefined);
    this.#settle();
  }

  /** @throws what the file system says when the side file cannot be removed; it is closed all the same */
  abortSnapshot(): void {
    const side = this.#snapshot?.side;
    this.#snapshot = undefined;
    side?.close();
    if (side !== undefined) removeFile(side.path);
  }

  /** Resolves to whether everything up to a position is here within a time, in ms. */
  async whenReached(position: Position, timeoutMs: number): Promise<boolean> {
    return this.#hasReached(position) || this.#waiting.wait(position, timeoutMs);
  }

  #settle(): void {
    this.#waiting.settle((position) => this.#hasReached(position));
  }

  #hasReached(position: Position): boolean {
    const own = this.position;
    if (own?.historyId !== position.historyId || !isWithin(position, own)) return false;
    for (const revision of this.#missing.values()) if (revision <= position.revision) return false;
    return true;
  }

  /** While the pages come, what is known of an entry is newer than any page before. */
  #copy(side: Storage, { namespaces, changes, runs }: ChangeBatch): void {
    side.transaction(() => {
      adopt(side, namespaces);
      side.sources.record(runs, this.parts.clock.now());
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

/** What was changed again before it could be read has not come yet, though later changes have. */
function noteMissing(missing: Map<string, number>, change: Change): void {
  const [revision, namespaceId, op, key] = change;
  const id = compositeKey(String(namespaceId), key);
  if (op === ChangeOp.Put || op === ChangeOp.Delete) missing.delete(id);
  else if (op === ChangeOp.Superseded && !missing.has(id)) missing.set(id, revision);
}

function noteIncomplete(storage: Storage, isIncomplete: boolean): void {
  if (isIncomplete) storage.writeMeta(INCOMPLETE_META_KEY, '1');
  else storage.removeMeta(INCOMPLETE_META_KEY);
}

function sourceOf(note: string | undefined): Omit<Position, 'revision'> | undefined {
  if (note === undefined) return undefined;
  const { historyId, epoch } = JSON.parse(note) as SourceMeta;
  return { historyId, epoch };
}

function writeSource(
  storage: Storage,
  { historyId, epoch, ancestors }: Source,
  primary: PrimaryAddress,
  now: number,
): void {
  const note: SourceMeta = { historyId, epoch, at: now };
  storage.writeMeta(SOURCE_META_KEY, JSON.stringify(note));
  storage.writeMeta(ANCESTORS_META_KEY, formatAncestors(ancestors));
  storage.writeMeta(PRIMARY_META_KEY, JSON.stringify(primary));
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
  [value, lifetime, tagSet = 0, tags = []]: CopiedContent,
): void {
  const { entries } = storage;
  const ends = new Fields([lifetime]).lifetime();
  const inserted = entries.put({ namespaceId, key, value, ...ends, revision, tagSet });
  if (tagSet === 0) return;
  const id = inserted ?? entries.find(namespaceId, key)?.id;
  if (id !== undefined) storage.tags.add(namespaceId, id, tagSet, tags);
}

/** Its tags no longer count, and are left to the sweeper: a batch says nothing of how many they are. */
function removeEntry(storage: Storage, namespaceId: number, key: string): void {
  storage.entries.remove(namespaceId, key);
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
