import type { Clock } from '../../common/clock.js';
import { compositeKey } from '../../common/composite-key.js';
import { PrimaryMismatchError } from '../../common/errors.js';
import { Waiters } from '../../common/waiters.js';
import type { SourceMark } from '../../sqlite/source-table.js';
import type { Storage } from '../../sqlite/storage.js';
import { whenFree, type Patience } from '../../sqlite/when-free.js';
import { ChangeOp, type Change, type ChangeBatch } from '../wire/change-batch.js';
import { ANCESTORS_META_KEY, parseAncestors, type Ancestor } from '../failover/ancestry.js';
import type { Position } from '../wire/position.js';
import type { CopiedEntry } from '../feed/snapshot-cursor.js';
import { adopt, applyLogged } from './copied-rows.js';
import {
  ACCEPT_META_KEY,
  INCOMPLETE_META_KEY,
  noteIncomplete,
  PRIMARY_META_KEY,
  REFUSED_META_KEY,
  SOURCE_META_KEY,
  sourceOf,
  writeSource,
  type PrimaryAddress,
  type Source,
} from './replica-meta.js';
import { SnapshotCopy } from './snapshot-copy.js';

/** @internal */
export interface ReplicaParts {
  readonly storage: Storage;
  readonly clock: Clock;
  /** Creates a file next to it, not yet open, that a snapshot can fill. */
  readonly createSide: () => Storage;
  /** What must leave memory: the given changes, or everything. */
  readonly onChanged: (changes: readonly Change[] | undefined) => void;
  /** The primary's address, for the day on which this replica replaces it. */
  readonly primary: PrimaryAddress;
}

/** Represents the keys that were missing before a restart; no position waits for it. */
const UNKNOWN_KEYS = ['', Number.POSITIVE_INFINITY] as const;

/**
 * A copy of the primary's entries, under the primary's revisions. Changes come in order. Each batch is one transaction
 * together with its last position, which is the head of the file's own log.
 *
 * @internal
 */
export class Replica {
  #source: Omit<Position, 'revision'> | undefined;
  #snapshot: SnapshotCopy | undefined;
  #isExchanging = false;
  #floor: Position | undefined;
  /** Keys whose change came without its content, mapped to the first such revision. A later batch brings the content. */
  #missing = new Map<string, number>();
  /** The revision at which the keys that were missing before a restart are complete. */
  #completeAt = Number.POSITIVE_INFINITY;
  /** Callers that must see what the primary held at their position. */
  readonly #waiting = new Waiters<Position>();

  constructor(private readonly parts: ReplicaParts) {}

  /** The position of this replica; undefined while it holds nothing. */
  get position(): Position | undefined {
    return this.#source && { ...this.#source, revision: this.parts.storage.revision };
  }

  /** Whether reads can be served from it. */
  get isReady(): boolean {
    if (this.#source === undefined) return false;
    if (this.#floor === undefined) return true;
    const { historyId } = this.#floor;
    // Positions of two histories cannot be compared: what the other history showed is gone.
    if (historyId === this.#source.historyId && !this.#hasReached(this.#floor)) return false;
    this.#floor = undefined;
    return true;
  }

  /** Whether it follows a primary at all. */
  get hasSource(): boolean {
    return this.#source !== undefined;
  }

  /** Whether a snapshot is under way: changes go into the snapshot, and not into the file that reads use. */
  get isCopying(): boolean {
    return this.#snapshot !== undefined || this.#isExchanging;
  }

  /** Whether everything up to its position is here. */
  get isComplete(): boolean {
    return this.#missing.size === 0;
  }

  /** The ancestors of the history that it follows. */
  get ancestors(): readonly Ancestor[] {
    return parseAncestors(this.parts.storage.readMeta(ANCESTORS_META_KEY));
  }

  /** Whether the operator has allowed another history to replace this one. */
  get acceptsNewHistory(): boolean {
    return this.parts.storage.readMeta(ACCEPT_META_KEY) !== undefined;
  }

  /** The history that was refused because it was empty. */
  get refused(): string | undefined {
    return this.parts.storage.readMeta(REFUSED_META_KEY);
  }

  /** Remembers a refused history for the lifetime of this file, across restarts. */
  refuse(historyId: string): void {
    const { storage } = this.parts;
    if (this.refused === historyId) return;
    storage.transaction(() => storage.writeMeta(REFUSED_META_KEY, historyId));
  }

  /** The replica is not ready until it shows at least what the primary had at this position. */
  mustReach(position: Position): void {
    const floor = this.#floor;
    if (floor?.historyId === position.historyId && isWithin(position, floor)) return;
    this.#floor = position;
  }

  /** Reads the history that the file follows; called again after a new file was begun. */
  load(): void {
    const { storage } = this.parts;
    this.#source = sourceOf(storage.readMeta(SOURCE_META_KEY));
    this.#missing.clear();
    this.#completeAt = Number.POSITIVE_INFINITY;
    if (storage.readMeta(INCOMPLETE_META_KEY) !== undefined) this.#missing.set(...UNKNOWN_KEYS);
  }

  /** As {@link load}, for a file that another process keeps up to date; called whenever that process has written. */
  observe(): void {
    const { storage } = this.parts;
    this.load();
    // Only the other process knows which keys are missing, so this one never reports anything as complete.
    if (storage.readMeta(INCOMPLETE_META_KEY) !== undefined) this.#missing.set(UNKNOWN_KEYS[0], 0);
    this.#settle();
  }

  /** The file is closed: there is nothing to read. */
  unload(): void {
    this.#source = undefined;
    this.#missing.clear();
  }

  /**
   * The primary continues in another epoch, or in another history, which holds the same up to here.
   *
   * @param head the primary's head; a replica that has reached it lacks nothing
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
   * Applies the changes that the replica does not have yet, in one transaction.
   *
   * @throws {HC_PRIMARY_MISMATCH} when changes in between are missing
   */
  apply(batch: ChangeBatch): void {
    if (this.#snapshot !== undefined) {
      this.#snapshot.addChanges(batch);
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

  /** Begins a snapshot: what follows, up to its end, is everything that the primary holds. */
  beginSnapshot(
    source: Source,
    namespaces: ChangeBatch['namespaces'],
    marks: readonly SourceMark[],
  ): void {
    this.abortSnapshot();
    const { createSide, primary, clock } = this.parts;
    // Assign the snapshot before it opens: if anything fails from here on, the abort closes it.
    this.#snapshot = new SnapshotCopy({ side: createSide(), source, primary, clock });
    this.#snapshot.begin(namespaces, marks);
  }

  applyPage(namespaceId: number, rows: readonly CopiedEntry[]): void {
    this.#snapshot?.addPage(namespaceId, rows);
  }

  /**
   * The snapshot is complete as of a revision. It replaces the current file as soon as no other process is opening that
   * file.
   */
  async endSnapshot(revision: number, patience: Patience): Promise<void> {
    const snapshot = this.#snapshot;
    if (snapshot === undefined) return;
    snapshot.end(revision);
    this.#snapshot = undefined;
    this.#isExchanging = true;
    try {
      await snapshot.close();
      await whenFree(() => this.#exchangeFor(snapshot.path), patience);
    } finally {
      this.#isExchanging = false;
      // The side file still exists when it did not replace the current file.
      snapshot.removeFile();
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

  /** @throws the file system's error when the side file cannot be removed; it is closed all the same */
  abortSnapshot(): void {
    const snapshot = this.#snapshot;
    this.#snapshot = undefined;
    snapshot?.abort();
  }

  /** Resolves to whether everything up to a position has arrived within the timeout, in ms. */
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
}

/** Compares within one history: a later epoch continues what was committed in the one before. */
function isWithin(position: Position, other: Position): boolean {
  return position.epoch <= other.epoch && position.revision <= other.revision;
}

/** Notes a change without content: the entry changed again before the primary read it, and later changes arrive first. */
function noteMissing(missing: Map<string, number>, change: Change): void {
  const [revision, namespaceId, op, key] = change;
  const id = compositeKey(String(namespaceId), key);
  if (op === ChangeOp.Put || op === ChangeOp.Delete) missing.delete(id);
  else if (op === ChangeOp.Superseded && !missing.has(id)) missing.set(id, revision);
}
