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

/** The primary cuts off a replica whose connection accepts nothing for this long; the replica resumes from its position. */
const STALL_MS = 30_000;

/** Bytes of frames that are kept for replicas slightly behind. */
const RECENT_BYTES = 4 * 1024 * 1024;

/** How long, in ms, one turn of the event loop may send to replicas that catch up. */
const TURN_MS = 4;

/** What the primary knows about a replica. @internal */
export interface ReplicaState {
  readonly replicaId: string;
  /** The last revision that was sent. */
  readonly revision: number;
  readonly snapshot: boolean;
  /** Bytes that its connection has not yet accepted. */
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
 * Sends each replica the committed changes after its own position. Replicas that are up to date share frames that are
 * encoded once. For a replica that is behind, the feed reads the log. A replica that cannot resume receives a snapshot
 * on the same stream, with its pages between the changes.
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

  /** @throws {HC_PRIMARY_MISMATCH} before anything is written */
  add({ protocol, replicaId, position }: FeedRequest, sink: Writable): void {
    if (protocol !== PROTOCOL_VERSION) {
      throw new PrimaryMismatchError(
        `The primary speaks protocol ${PROTOCOL_VERSION}, the other node ${protocol}.`,
        'Run the same version of nestjs-hypercache on all nodes.',
      );
    }
    // Learn first what other processes on the file have committed: otherwise a replica would seem to be ahead.
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
    // A replica has one stream. An older stream of the same replica is a connection that died without a signal.
    for (const other of this.#followers) if (other.replicaId === replicaId) other.sink.destroy();
    this.#followers.add(follower);
    const forget = (): void => void this.#followers.delete(follower);
    sink.on('close', forget).on('error', forget);
    sink.on('drain', () => {
      follower.isBlocked = false;
      // A fast connection drains within the same turn. Sending again in that turn would never yield to the event loop.
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

  /** Sends what was committed since, on a later microtask. */
  #notify(): void {
    if (this.#followers.size === 0 || this.#isPumping) return;
    this.#isPumping = true;
    queueMicrotask(this.#onTurn);
  }

  /** Ends all streams, because the history has changed or the node closes. Replicas connect again and learn why. */
  end(reason: string): void {
    for (const follower of Array.from(this.#followers)) this.#dismiss(follower, reason);
    this.#recent = [];
    this.#recentBytes = 0;
    clearInterval(this.#heartbeat);
    this.#heartbeat = undefined;
  }

  /** The last executed sequence of each source, as of the head. */
  #marks(): readonly SourceMark[] {
    const { storage } = this;
    for (;;) {
      const found = storage.sources.all();
      if (found === undefined || found.head === storage.revision) return found?.marks ?? [];
      // Another process has just committed more.
      storage.catchUp();
    }
  }

  /** Ends the stream of one replica. The replica connects again and learns why. */
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

  /** Sends one frame or one page; returns whether there may be more to send. */
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
    // A batch that was read for a replica far behind is of no use to the others.
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

  /** Sends a heartbeat to each replica. */
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
