import type { Clock } from '../../common/clock.js';
import {
  PrimaryMismatchError,
  PrimaryUnreachableError,
  type HyperCacheError,
} from '../../common/errors.js';
import { Signal } from '../../common/signal.js';
import { toStorageError } from '../../sqlite/sqlite-error.js';
import type { Storage } from '../../sqlite/storage.js';
import { whenFree, type Patience } from '../../sqlite/when-free.js';
import { ancestorsFromWire } from '../failover/ancestry.js';
import { agrees } from '../feed/fingerprint.js';
import type { CopiedEntry } from '../feed/snapshot-cursor.js';
import type { ChangeBatch } from '../wire/change-batch.js';
import { changesFromWire, positionOf } from '../wire/exchange.js';
import { Fields, malformed } from '../wire/fields.js';
import { readAnswer } from '../wire/read-answer.js';
import { PROTOCOL_VERSION } from '../wire/sync-endpoint.js';
import { FrameType, type Frame } from '../wire/wire.js';
import { HistoryGuard, type Greeting } from './history-guard.js';
import type { RemoteClock } from '../../common/remote-clock.js';
import type { Replica } from './replica.js';
import type { Source } from './replica-meta.js';

/** @internal */
export interface FeedFramesParts {
  /** The primary's URL, for messages. */
  readonly url: string;
  readonly replica: Replica;
  readonly storage: Storage;
  readonly clock: Clock;
  readonly primaryClock: RemoteClock;
  /** Whether the history of an empty primary, or one that ended, may replace what is held. */
  readonly acceptNewHistory: boolean;
  readonly onSnapshot: (entries: number, ms: number) => void;
  /** The primary's history differs from the one that this node followed so far. */
  readonly onNewHistory: () => void;
  /** Receives errors to report while the connection continues. */
  readonly onIncident: (error: HyperCacheError) => void;
}

/**
 * How long, in ms, another connection may lock the file before the stream is given up. This is shorter than the silence
 * that ends a connection.
 */
const BUSY_MS = 2000;

/**
 * Handles the frames of the primary's stream for the replica: applies changes, takes snapshots and compares heartbeats.
 *
 * @internal
 */
export class FeedFrames {
  /** From here on, the replica follows the changes, with or without a snapshot before. */
  readonly following = new Signal<[isSnapshot: boolean]>();
  /** A snapshot has begun. */
  readonly copying = new Signal();
  readonly #guard: HistoryGuard;
  #snapshot: { readonly entries: number; readonly since: number } | undefined;
  #mustCopy = false;
  #head = 0;
  #lagMs = 0;
  #snapshots = 0;
  #source: Source & { readonly name: string } = {
    historyId: '',
    epoch: 0,
    ancestors: [],
    name: '',
  };

  constructor(private readonly parts: FeedFramesParts) {
    this.#guard = new HistoryGuard(parts.url);
  }

  /** Whether the replica cannot continue from what it holds. */
  get mustCopy(): boolean {
    return this.#mustCopy;
  }

  get isCopying(): boolean {
    return this.#snapshot !== undefined;
  }

  /** The primary's last revision that is known here. */
  get head(): number {
    return Math.max(this.#head, this.parts.storage.revision);
  }

  /** Milliseconds from the commit of the last received change until this node applied it. */
  get lagMs(): number {
    return this.#lagMs;
  }

  /** Snapshots taken since the start. */
  get snapshots(): number {
    return this.#snapshots;
  }

  /** Returns a promise only when a frame takes time. */
  take(frame: Frame, signal: AbortSignal): Promise<void> | undefined {
    const { replica } = this.parts;
    const patience = { timeoutMs: BUSY_MS, signal };
    switch (frame[0]) {
      case FrameType.Changes: {
        const batch = readAnswer(() => changesFromWire(frame.slice(2)));
        return whenFree(() => this.#apply(batch, Number(frame[1])), patience);
      }
      case FrameType.Heartbeat:
        this.#hear(frame);
        return undefined;
      case FrameType.Page:
        replica.applyPage(Number(frame[1]), listOf<CopiedEntry>(frame[2]));
        return undefined;
      case FrameType.Hello:
        return this.#greet(frame, patience);
      case FrameType.SnapshotBegin:
        this.#beginSnapshot(frame);
        return undefined;
      case FrameType.SnapshotEnd:
        return this.#endSnapshot(Number(frame[1]), patience);
      case FrameType.End:
        throw new PrimaryUnreachableError(this.parts.url, String(frame[1]));
      default:
        // A later version may send frames that this one does not know.
        return undefined;
    }
  }

  #apply(batch: ChangeBatch, committedAt: number): void {
    const { replica, primaryClock } = this.parts;
    replica.apply(batch);
    this.#head = Math.max(this.#head, batch.to);
    this.#lagMs = Math.max(0, primaryClock.now() - committedAt);
  }

  #greet(frame: Frame, patience: Patience): Promise<void> | undefined {
    const [
      ,
      protocol,
      historyId,
      epoch,
      revision,
      now,
      resumes,
      name,
      ancestors,
      isCopy,
      isLossless,
    ] = frame;
    if (protocol !== PROTOCOL_VERSION) {
      throw new PrimaryMismatchError(
        `The primary speaks protocol ${String(protocol)}, this node ${PROTOCOL_VERSION}.`,
        'Run the same version of nestjs-hypercache on all nodes.',
      );
    }
    const [position, known] = readAnswer(() => [
      positionOf(new Fields([historyId, epoch, revision])),
      Array.isArray(ancestors) ? ancestorsFromWire(ancestors) : [],
    ]);
    const greeting: Greeting = {
      ...position,
      name: String(name),
      resumes: resumes === true,
      isCopy: isCopy === true,
    };
    this.#judge(greeting);
    this.#source = { ...greeting, ancestors: known };
    this.#head = greeting.revision;
    this.parts.primaryClock.restart(Number(now));
    if (!greeting.resumes) return undefined;
    return whenFree(() => this.#resume(greeting.revision, isLossless === true), patience);
  }

  #judge(greeting: Greeting): void {
    const { replica, onIncident } = this.parts;
    const { position } = replica;
    if (position === undefined || this.#accepts) return;
    const doubt = this.#guard.judge(greeting, { position, ancestors: replica.ancestors });
    if (doubt !== undefined) onIncident(doubt);
  }

  get #accepts(): boolean {
    return this.parts.acceptNewHistory || this.parts.replica.acceptsNewHistory;
  }

  /** `isLossless`: no commit was lost between the epoch of this replica and that of the primary. */
  #resume(head: number, isLossless: boolean): void {
    const { replica, onNewHistory } = this.parts;
    const { historyId, epoch } = this.#source;
    const before = replica.position;
    const isNewHistory = before !== undefined && before.historyId !== historyId;
    const mayMiss = isNewHistory || (before?.epoch !== epoch && !isLossless);
    if (mayMiss && !replica.isComplete) {
      this.#mustCopy = true;
      throw new PrimaryMismatchError(
        'The primary resumes at a position where this replica still lacks the content of some changes.',
        'It takes a new snapshot by itself.',
      );
    }
    replica.follow(this.#source, head);
    this.#guard.follow(this.#source);
    if (isNewHistory) onNewHistory();
    this.following.emit(false);
  }

  #beginSnapshot([, , namespaces, entries, marks]: Frame): void {
    const { replica, storage, clock } = this.parts;
    const known = replica.position;
    const isNewHistory = known !== undefined && known.historyId !== this.#source.historyId;
    const { historyId } = this.#source;
    const isEmpty = entries === 0 || replica.refused === historyId;
    if (isNewHistory && isEmpty && storage.counts.total > 0 && !this.#accepts) {
      // Remember the refusal: the first write that reaches the new primary does not turn its history into the old one.
      replica.refuse(historyId);
      throw new PrimaryMismatchError(
        'The primary has come back empty, with a new history; this node continues to serve what it holds.',
        'Give the primary its data back, or promote a replica; to start over with an empty cache, run `npx --no hypercache accept-new-history` on this node while it is stopped, or give it the option acceptNewHistory: true.',
      );
    }
    this.#snapshot = { entries: Number(entries), since: clock.monotonic() };
    replica.beginSnapshot(
      this.#source,
      listOf<[string, number]>(namespaces),
      listOf<[string, number]>(marks),
    );
    this.copying.emit();
  }

  async #endSnapshot(revision: number, patience: Patience): Promise<void> {
    const { replica, clock, onSnapshot, onNewHistory } = this.parts;
    const snapshot = this.#snapshot;
    const before = replica.position?.historyId;
    await replica.endSnapshot(revision, patience);
    this.#snapshot = undefined;
    this.#mustCopy = false;
    this.#snapshots++;
    this.#guard.follow(this.#source);
    if (before !== undefined && before !== this.#source.historyId) onNewHistory();
    if (snapshot !== undefined) onSnapshot(snapshot.entries, clock.monotonic() - snapshot.since);
    this.following.emit(true);
  }

  #hear([, head, now, namespaceId, after, last, digest]: Frame): void {
    const { storage, primaryClock } = this.parts;
    primaryClock.observe(Number(now));
    this.#head = Math.max(this.#head, Number(head));
    if (this.#snapshot !== undefined) return;
    if (!Buffer.isBuffer(digest) || storage.revision !== head) return;
    const range = {
      namespaceId: Number(namespaceId),
      after: String(after),
      last: last === null ? undefined : String(last),
      digest,
    };
    if (agrees(storage, range, Number(now))) {
      this.#guard.agree();
      return;
    }
    this.#mustCopy = true;
    const doubt = this.#guard.differ(storage.revision);
    if (doubt !== undefined) throw doubt;
    throw new PrimaryMismatchError(
      `At revision ${storage.revision} this replica differs from its primary.`,
      'It takes a new snapshot by itself.',
    );
  }

  /** Never ends the loop: when a side file cannot be removed now, the next snapshot removes it first. */
  abortSnapshot(): void {
    this.#snapshot = undefined;
    try {
      this.parts.replica.abortSnapshot();
    } catch (error) {
      this.parts.onIncident(toStorageError(error));
    }
  }
}

/** @throws {HC_PRIMARY_MISMATCH} */
function listOf<T>(value: unknown): T[] {
  return readAnswer(() => {
    if (!Array.isArray(value) || !value.every(Array.isArray)) throw malformed('a list');
    return value as T[];
  });
}
