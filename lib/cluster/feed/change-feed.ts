import type { Writable } from 'node:stream';
import { setImmediate as onNextTurn } from 'node:timers';
import type { Clock } from '../../common/clock.js';
import { PrimaryMismatchError } from '../../common/errors.js';
import type { SourceMark } from '../../sqlite/source-table.js';
import type { Storage } from '../../sqlite/storage.js';
import { ANCESTORS_META_KEY, ancestorsToWire, parseAncestors } from '../failover/ancestry.js';
import { readChanges } from '../wire/change-batch.js';
import { changesToWire } from '../wire/exchange.js';
import { DigestCursor } from './fingerprint.js';
import { canResume, isLossless, isOfCopy, parsePosition, type Position } from '../wire/position.js';
import { SnapshotCursor } from './snapshot-cursor.js';
import { PROTOCOL_VERSION, type FeedRequest } from '../wire/sync-endpoint.js';
import { encodeFrame, FrameType } from '../wire/wire.js';

const HEARTBEAT_MS = 1000;

/** A replica whose connection takes nothing for so long is cut off; it resumes from its position. */
const STALL_MS = 30_000;

/** Frames kept for replicas that are a little behind, in bytes. */
const RECENT_BYTES = 4 * 1024 * 1024;

/** How long one turn of the event loop may send to those who catch up. */
const TURN_MS = 4;

/** What the primary knows of a replica. @internal */
export interface ReplicaState {
  readonly replicaId: string;
  /** The last revision that was sent. */
  readonly revision: number;
  readonly snapshot: boolean;
  /** Bytes that wait for its connection. */
  readonly buffered: number;
}

interface Follower {
  readonly replicaId: string;
  readonly sink: Writable;
  cursor: number;
  snapshot: SnapshotCursor | undefined;
  isBlocked: boolean;
  blockedSince: number;
}

interface Recent {
  readonly from: number;
  readonly to: number;
  readonly frame: Buffer;
}

/**
 * Sends every replica what is committed, each from where it stands. Who is up to date gets the frames that were made
 * once for all; who is behind has the log read for him; who cannot resume gets a snapshot on the same stream, its
 * pages between the changes.
 *
 * @internal
 */
export class ChangeFeed {
  readonly #followers = new Set<Follower>();
  readonly #digests: DigestCursor;
  #recent: Recent[] = [];
  #recentBytes = 0;
  #isPumping = false;
  #heartbeat: NodeJS.Timeout | undefined;

  constructor(
    private readonly storage: Storage,
    private readonly clock: Clock,
    private readonly onError: (error: unknown) => void,
  ) {
    this.#digests = new DigestCursor(storage);
    storage.advanced.on(() => this.#notify());
  }

  get replicas(): ReplicaState[] {
    return Array.from(this.#followers, ({ replicaId, cursor, snapshot, sink }) => ({
      replicaId,
      revision: cursor,
      snapshot: snapshot !== undefined,
      buffered: sink.writableLength,
    }));
  }

  /** @throws {HC_PRIMARY_MISMATCH} before anything was written */
  add({ protocol, replicaId, position }: FeedRequest, sink: Writable): void {
    if (protocol !== PROTOCOL_VERSION) {
      throw new PrimaryMismatchError(
        `The primary speaks protocol ${PROTOCOL_VERSION}, the other node ${protocol}.`,
        'Run the same version of nestjs-hypercache on all nodes.',
      );
    }
    // What another process on the file has just committed is no reason to call a replica ahead.
    this.storage.catchUp();
    let head = this.#head();
    const from = parsePosition(position);
    const { changes, epochStarts } = this.storage;
    const ancestors = parseAncestors(this.storage.readMeta(ANCESTORS_META_KEY));
    const resumes =
      from !== undefined && canResume(from, head, epochStarts, changes.oldest(), ancestors);
    const marks = resumes ? [] : this.#marks();
    head = this.#head();
    const follower: Follower = {
      replicaId,
      sink,
      cursor: resumes ? from.revision : head.revision,
      snapshot: resumes ? undefined : new SnapshotCursor(this.storage),
      isBlocked: false,
      blockedSince: 0,
    };
    // One replica has one stream: an older one is a connection that died without a word.
    for (const other of this.#followers) if (other.replicaId === replicaId) other.sink.destroy();
    this.#followers.add(follower);
    const forget = (): void => void this.#followers.delete(follower);
    sink.on('close', forget).on('error', forget);
    sink.on('drain', () => {
      follower.isBlocked = false;
      // A fast connection drains within the same turn: sending at once would never let the loop go on.
      this.#pumpNextTurn();
    });
    const { historyId, epoch, revision } = head;
    this.#send(follower, [
      FrameType.Hello,
      PROTOCOL_VERSION,
      historyId,
      epoch,
      revision,
      this.clock.now(),
      resumes,
      this.storage.processName,
      ancestorsToWire(ancestors),
      from !== undefined && isOfCopy(from, head, epochStarts),
      from !== undefined && isLossless(from, epochStarts),
    ]);
    if (!resumes) {
      const { namespaces, counts } = this.storage;
      this.#send(follower, [
        FrameType.SnapshotBegin,
        revision,
        namespaces.all(),
        counts.total,
        marks,
      ]);
    }
    this.#heartbeat ??= setInterval(this.beat, HEARTBEAT_MS).unref();
    this.#pump();
  }

  /** More was committed. */
  #notify(): void {
    if (this.#followers.size === 0 || this.#isPumping) return;
    this.#isPumping = true;
    queueMicrotask(this.#onTurn);
  }

  /** The history is another one now, or the node closes: replicas connect again, and see. */
  end(reason: string): void {
    for (const follower of Array.from(this.#followers)) this.#dismiss(follower, reason);
    this.#recent = [];
    this.#recentBytes = 0;
    clearInterval(this.#heartbeat);
    this.#heartbeat = undefined;
  }

  /** How far each source has come at the head. */
  #marks(): readonly SourceMark[] {
    const { storage } = this;
    for (;;) {
      const found = storage.sources.all();
      if (found === undefined || found.head === storage.revision) return found?.marks ?? [];
      // Another process has just committed more.
      storage.catchUp();
    }
  }

  /** It connects again, and sees. */
  #dismiss(follower: Follower, reason: string): void {
    this.#send(follower, [FrameType.End, reason]);
    follower.sink.end();
    this.#followers.delete(follower);
  }

  #head(): Position {
    const { historyId, epoch, revision } = this.storage;
    return { historyId, epoch, revision };
  }

  readonly #onTurn = (): void => {
    this.#isPumping = false;
    this.#pump();
  };

  #pumpNextTurn(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    onNextTurn(this.#onTurn);
  }

  #pump(): void {
    if (this.#isPumping) return;
    const until = this.clock.monotonic() + TURN_MS;
    try {
      let isMore = true;
      while (isMore && this.clock.monotonic() < until) {
        isMore = false;
        for (const follower of this.#followers) if (this.#advance(follower)) isMore = true;
      }
      if (isMore) this.#pumpNextTurn();
    } catch (error) {
      this.onError(error);
      this.end('the primary could not read its log');
    }
  }

  /** Sends one frame, or one page; returns whether there may be more to send. */
  #advance(follower: Follower): boolean {
    if (follower.isBlocked) return false;
    if (follower.cursor < this.storage.revision) {
      if (follower.cursor + 1 < this.storage.changes.oldest()) {
        this.#dismiss(follower, 'the log was trimmed past this replica');
        return false;
      }
      const { frame, to } = this.#frameAfter(follower.cursor);
      follower.cursor = to;
      this.#write(follower, frame);
      return true;
    }
    if (follower.snapshot === undefined) return false;
    const page = follower.snapshot.next(this.clock.now());
    if (page === undefined) {
      follower.snapshot = undefined;
      this.#send(follower, [FrameType.SnapshotEnd, follower.cursor]);
      return false;
    }
    this.#send(follower, [FrameType.Page, page.namespaceId, page.rows]);
    return true;
  }

  #frameAfter(from: number): Recent {
    const known = this.#recent.find((recent) => recent.from === from);
    if (known !== undefined) return known;
    const batch = readChanges(this.storage, from);
    const { to } = batch;
    const frame = encodeFrame([FrameType.Changes, this.clock.now(), ...changesToWire(batch)]);
    const made = { from, to, frame };
    // What is read for one who is far behind is no use to the others.
    if (to === this.storage.revision) this.#keep(made);
    return made;
  }

  #keep(made: Recent): void {
    this.#recent.push(made);
    this.#recentBytes += made.frame.length;
    while (this.#recentBytes > RECENT_BYTES || this.#recent.length > this.#followers.size * 8) {
      this.#recentBytes -= this.#recent.shift()?.frame.length ?? 0;
    }
  }

  /** A sign of life for each replica. */
  readonly beat = (): void => {
    try {
      const now = this.clock.now();
      const head = this.storage.revision;
      const range = this.#followers.size === 0 ? undefined : this.#digests.next(now);
      for (const follower of this.#followers) {
        if (follower.isBlocked) {
          if (this.clock.monotonic() - follower.blockedSince > STALL_MS) follower.sink.destroy();
          continue;
        }
        const isCurrent = follower.cursor === head && follower.snapshot === undefined;
        const digest =
          isCurrent && range !== undefined
            ? [range.namespaceId, range.after, range.last ?? null, range.digest]
            : [];
        this.#send(follower, [FrameType.Heartbeat, head, now, ...digest]);
      }
    } catch (error) {
      this.onError(error);
    }
  };

  #send(follower: Follower, frame: Parameters<typeof encodeFrame>[0]): void {
    this.#write(follower, encodeFrame(frame));
  }

  #write(follower: Follower, bytes: Buffer): void {
    if (follower.sink.destroyed || follower.sink.writableEnded) return;
    if (follower.sink.write(bytes)) return;
    follower.isBlocked = true;
    follower.blockedSince = this.clock.monotonic();
  }
}
