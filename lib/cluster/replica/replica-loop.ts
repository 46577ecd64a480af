import type { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Backoff } from '../../common/backoff.js';
import type { Clock } from '../../common/clock.js';
import {
  HyperCacheError,
  PrimaryMismatchError,
  PrimaryUnreachableError,
} from '../../common/errors.js';
import type { Random } from '../../common/random.js';
import { toStorageError } from '../../sqlite/sqlite-error.js';
import type { Storage } from '../../sqlite/storage.js';
import { whenFree, type Patience } from '../../sqlite/when-free.js';
import type { ChangeBatch } from '../wire/change-batch.js';
import { changesFromWire, positionOf } from '../wire/exchange.js';
import { Fields, malformed } from '../wire/fields.js';
import { ancestorsFromWire } from '../failover/ancestry.js';
import { agrees } from '../feed/fingerprint.js';
import { HistoryGuard, type Greeting } from './history-guard.js';
import { formatPosition } from '../wire/position.js';
import type { PrimaryClient } from '../wire/primary-client.js';
import { readAnswer } from '../wire/read-answer.js';
import type { PrimaryClock } from './primary-clock.js';
import type { Replica } from './replica.js';
import type { Source } from './replica-meta.js';
import type { CopiedEntry } from '../feed/snapshot-cursor.js';
import { PROTOCOL_VERSION } from '../wire/sync-endpoint.js';
import { FrameReader, FrameType, type Frame } from '../wire/wire.js';

/** @internal */
export interface ReplicaLoopParts {
  readonly client: PrimaryClient;
  readonly replica: Replica;
  readonly storage: Storage;
  readonly clock: Clock;
  readonly primaryClock: PrimaryClock;
  readonly random: Random;
  readonly replicaId: string;
  /** Of the largest entry, for the bound of a frame. */
  readonly maxValueBytes: number;
  readonly onConnected: (isSnapshot: boolean) => void;
  readonly onLost: (error: HyperCacheError) => void;
  readonly onSnapshot: (entries: number, ms: number) => void;
  /** The primary's history is not the one that was followed so far. */
  readonly onNewHistory: () => void;
  /** Whether a primary that is empty, or a history that was left, may take the place of what is held. */
  readonly acceptNewHistory: boolean;
  /** What has to be told although the connection goes on. */
  readonly onIncident: (error: HyperCacheError) => void;
}

/** A primary that says nothing for so long is lost: three heartbeats. */
const SILENCE_MS = 3000;

/** How long another connection may have the file locked until the stream is given up: less than a silence. */
const BUSY_MS = 2000;

/** How long the start of the application waits for a snapshot to be complete. */
const FIRST_SNAPSHOT_MS = 2000;

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 2000;

/** How long frames are applied before the event loop has its turn. */
const TURN_MS = 4;

const FRAME_ROOM_BYTES = 16 * 1024 * 1024;

/**
 * Keeps the replica on the primary's changes: connects, resumes from where the replica stands, takes a snapshot
 * when it must, notices silence, and connects again after a pause that grows.
 *
 * @internal
 */
export class ReplicaLoop {
  #stopped = false;
  #isConnected = false;
  #connection: AbortController | undefined;
  #retry: NodeJS.Timeout | undefined;
  #mustCopy = false;
  #snapshot: { readonly entries: number; readonly since: number } | undefined;
  #head = 0;
  #lagMs = 0;
  #snapshots = 0;
  #first: (() => void) | undefined;
  #firstWait: NodeJS.Timeout | undefined;
  #error: HyperCacheError | undefined;

  readonly #guard: HistoryGuard;
  readonly #backoff: Backoff;

  constructor(private readonly parts: ReplicaLoopParts) {
    this.#guard = new HistoryGuard(parts.client.url);
    this.#backoff = new Backoff(parts.random, FIRST_RETRY_MS, LAST_RETRY_MS);
  }

  /** Whether changes arrive: neither connecting nor in the middle of a snapshot. */
  get isConnected(): boolean {
    return this.#isConnected && this.#snapshot === undefined;
  }

  /** The primary's last revision that is known here. */
  get head(): number {
    return Math.max(this.#head, this.parts.storage.revision);
  }

  /** Milliseconds from the commit of the last change that came until it was applied. */
  get lagMs(): number {
    return this.#lagMs;
  }

  /** Snapshots that were taken since the start. */
  get snapshots(): number {
    return this.#snapshots;
  }

  /**
   * Resolves when the first connection is made, with a small snapshot complete, or has failed in a way that may pass.
   *
   * @throws {HC_PRIMARY_REFUSED | HC_PRIMARY_FOREIGN | HC_PRIMARY_MISMATCH | HC_SUPERSEDED} what only another configuration can mend
   */
  async start(): Promise<void> {
    const first = new Promise<void>((resolve) => {
      this.#first = resolve;
    });
    this.#run().catch((error: unknown) => this.parts.onIncident(toStorageError(error)));
    await first;
    if (this.#error !== undefined && isLasting(this.#error)) {
      this.stop();
      throw this.#error;
    }
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#retry);
    this.#connection?.abort();
    this.#abortSnapshot();
    this.#settleFirst();
  }

  /** What the replica holds has changed by other ways: the connection begins anew from where it stands now. */
  reconnect(): void {
    this.#connection?.abort();
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const error = await this.#follow();
      if (this.#stopped) return;
      this.#lose(error);
      await this.#pause();
    }
  }

  /** One connection, from its beginning to its end; returns why it ended. */
  async #follow(): Promise<HyperCacheError> {
    const { client, replica, clock, replicaId } = this.parts;
    const connection = new AbortController();
    this.#connection = connection;
    let heardAt = clock.monotonic();
    const watch = setInterval(() => {
      if (clock.monotonic() - heardAt > SILENCE_MS) connection.abort();
    }, SILENCE_MS / 6).unref();
    try {
      const { position } = replica;
      const stream = await client.feed(
        {
          protocol: PROTOCOL_VERSION,
          replicaId,
          position: position === undefined || this.#mustCopy ? '' : formatPosition(position),
        },
        connection.signal,
      );
      await this.#read(stream, () => {
        heardAt = clock.monotonic();
      });
      return new PrimaryUnreachableError(client.url, 'it ended the stream');
    } catch (error) {
      if (error instanceof HyperCacheError) return error;
      if (connection.signal.aborted) {
        return new PrimaryUnreachableError(client.url, 'it has fallen silent');
      }
      return isNetwork(error)
        ? new PrimaryUnreachableError(client.url, error)
        : toStorageError(error);
    } finally {
      clearInterval(watch);
      connection.abort();
      this.#abortSnapshot();
    }
  }

  /** Ends no loop: a side file that cannot be removed now is removed before the next snapshot. */
  #abortSnapshot(): void {
    this.#snapshot = undefined;
    try {
      this.parts.replica.abortSnapshot();
    } catch (error) {
      this.parts.onIncident(toStorageError(error));
    }
  }

  async #read(stream: Readable, onFrame: () => void): Promise<void> {
    const { clock, maxValueBytes } = this.parts;
    const reader = new FrameReader(2 * maxValueBytes + FRAME_ROOM_BYTES);
    let turnEnds = clock.monotonic() + TURN_MS;
    for await (const chunk of stream) {
      reader.push(chunk as Buffer);
      for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
        onFrame();
        await this.#take(frame);
        if (this.#stopped) return;
        if (clock.monotonic() < turnEnds) continue;
        await nextTurn();
        turnEnds = clock.monotonic() + TURN_MS;
      }
    }
  }

  /** Returns a promise only for what takes time. */
  #take(frame: Frame): Promise<void> | undefined {
    const { replica } = this.parts;
    switch (frame[0]) {
      case FrameType.Changes: {
        const batch = readAnswer(() => changesFromWire(frame.slice(2)));
        return this.#whenFree(() => this.#apply(batch, Number(frame[1])));
      }
      case FrameType.Heartbeat:
        this.#hear(frame);
        return undefined;
      case FrameType.Page:
        replica.applyPage(Number(frame[1]), listOf<CopiedEntry>(frame[2]));
        return undefined;
      case FrameType.Hello:
        return this.#greet(frame);
      case FrameType.SnapshotBegin:
        this.#beginSnapshot(frame);
        return undefined;
      case FrameType.SnapshotEnd:
        return this.#endSnapshot(Number(frame[1]));
      case FrameType.End:
        throw new PrimaryUnreachableError(this.parts.client.url, String(frame[1]));
      default:
        // A later version may say more.
        return undefined;
    }
  }

  /** What follows in the stream waits. */
  #whenFree(write: () => void): Promise<void> | undefined {
    return whenFree(write, this.#patience);
  }

  get #patience(): Patience {
    return { timeoutMs: BUSY_MS, signal: this.#connection?.signal };
  }

  #apply(batch: ChangeBatch, committedAt: number): void {
    const { replica, primaryClock } = this.parts;
    replica.apply(batch);
    this.#head = Math.max(this.#head, batch.to);
    this.#lagMs = Math.max(0, primaryClock.now() - committedAt);
  }

  #source: Source & { readonly name: string } = {
    historyId: '',
    epoch: 0,
    ancestors: [],
    name: '',
  };

  #greet(frame: Frame): Promise<void> | undefined {
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
    return this.#whenFree(() => this.#resume(greeting.revision, isLossless === true));
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
        'The primary goes on from where this replica was still waiting for the content of some changes.',
        'It takes a new snapshot by itself.',
      );
    }
    replica.follow(this.#source, head);
    this.#guard.follow(this.#source);
    if (isNewHistory) onNewHistory();
    this.#connect(false);
  }

  #beginSnapshot([, , namespaces, entries, marks]: Frame): void {
    const { replica, storage, clock } = this.parts;
    const known = replica.position;
    const isNewHistory = known !== undefined && known.historyId !== this.#source.historyId;
    const { historyId } = this.#source;
    const isEmpty = entries === 0 || replica.refused === historyId;
    if (isNewHistory && isEmpty && storage.counts.total > 0 && !this.#accepts) {
      // It stays refused: the first write that reaches it does not make it the old one again.
      replica.refuse(historyId);
      throw new PrimaryMismatchError(
        'The primary has come back empty, with a new history; this node goes on serving what it holds.',
        'Give the primary its data back, or promote a replica; if it is to begin anew, run `npx --no hypercache accept-new-history` on this node while it is stopped, or give it the option acceptNewHistory: true.',
      );
    }
    this.#snapshot = { entries: Number(entries), since: clock.monotonic() };
    replica.beginSnapshot(
      this.#source,
      listOf<[string, number]>(namespaces),
      listOf<[string, number]>(marks),
    );
    // The application starts meanwhile: its reads go to the primary.
    this.#firstWait ??= setTimeout(() => this.#settleFirst(), FIRST_SNAPSHOT_MS);
  }

  async #endSnapshot(revision: number): Promise<void> {
    const { replica, clock, onSnapshot, onNewHistory } = this.parts;
    const snapshot = this.#snapshot;
    const before = replica.position?.historyId;
    await replica.endSnapshot(revision, this.#patience);
    this.#snapshot = undefined;
    this.#mustCopy = false;
    this.#snapshots++;
    this.#guard.follow(this.#source);
    if (before !== undefined && before !== this.#source.historyId) onNewHistory();
    if (snapshot !== undefined) onSnapshot(snapshot.entries, clock.monotonic() - snapshot.since);
    this.#connect(true);
  }

  /** From here on the replica follows the changes. */
  #connect(isSnapshot: boolean): void {
    if (this.#isConnected) return;
    this.#isConnected = true;
    this.#backoff.reset();
    this.#error = undefined;
    this.parts.onConnected(isSnapshot);
    this.#settleFirst();
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

  #lose(error: HyperCacheError): void {
    const wasConnected = this.#isConnected;
    const isAnother = error.code !== this.#error?.code && needsSomebody(error);
    this.#isConnected = false;
    this.#error = error;
    this.#settleFirst();
    if (wasConnected || this.#backoff.failures === 0 || isAnother) this.parts.onLost(error);
  }

  #settleFirst(): void {
    clearTimeout(this.#firstWait);
    this.#first?.();
    this.#first = undefined;
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      this.#retry = setTimeout(resolve, this.#backoff.next()).unref();
    });
  }
}

/** Whether it does not pass by itself: the configuration of one of the two nodes is wrong. @internal */
export function isLasting(error: HyperCacheError): boolean {
  return [
    'HC_PRIMARY_FOREIGN',
    'HC_PRIMARY_MISMATCH',
    'HC_PRIMARY_REFUSED',
    'HC_SUPERSEDED',
  ].includes(error.code);
}

/** It was first told that the connection is gone; that it does not come back by itself is news. */
function needsSomebody(error: HyperCacheError): boolean {
  return isLasting(error) || error.code === 'HC_TWO_PRIMARIES';
}

function isNetwork(error: unknown): boolean {
  if (typeof error !== 'object' || error === null || !('code' in error)) return false;
  // An error of the file system names a path.
  if ('path' in error) return false;
  return /^(E[A-Z]+|ERR_STREAM|ABORT_ERR)/.test(String(error.code));
}

/** @throws {HC_PRIMARY_MISMATCH} */
function listOf<T>(value: unknown): T[] {
  return readAnswer(() => {
    if (!Array.isArray(value) || !value.every(Array.isArray)) throw malformed('a list');
    return value as T[];
  });
}
