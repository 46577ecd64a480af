import type { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Backoff } from '../../common/backoff.js';
import { HyperCacheError, PrimaryUnreachableError } from '../../common/errors.js';
import type { Random } from '../../common/random.js';
import { toStorageError } from '../../sqlite/sqlite-error.js';
import { formatPosition } from '../wire/position.js';
import type { PrimaryClient } from '../wire/primary-client.js';
import { FeedFrames, type FeedFramesParts } from './feed-frames.js';
import { PROTOCOL_VERSION } from '../wire/sync-endpoint.js';
import { FrameReader } from '../wire/wire.js';

/** @internal */
export interface ReplicaLoopParts extends Omit<FeedFramesParts, 'url'> {
  readonly client: PrimaryClient;
  readonly random: Random;
  readonly replicaId: string;
  /** Bytes of the largest value; they bound a frame. */
  readonly maxValueBytes: number;
  readonly onConnected: (isSnapshot: boolean) => void;
  readonly onLost: (error: HyperCacheError) => void;
}

/** A primary that sends nothing for this long, in ms, counts as lost: three heartbeats. */
const SILENCE_MS = 3000;

/** How long the start of the application waits for a complete snapshot, in ms. */
const FIRST_SNAPSHOT_MS = 2000;

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 2000;

/** How long frames are applied before the event loop gets its turn, in ms. */
const TURN_MS = 4;

const FRAME_ROOM_BYTES = 16 * 1024 * 1024;

/**
 * Keeps the replica up to date with the primary's changes. It connects, resumes from the replica's position, and takes
 * a snapshot when it must. It notices silence, and reconnects after a growing pause.
 *
 * @internal
 */
export class ReplicaLoop {
  #stopped = false;
  #isConnected = false;
  #connection: AbortController | undefined;
  #retry: NodeJS.Timeout | undefined;
  #first: (() => void) | undefined;
  #firstWait: NodeJS.Timeout | undefined;
  #error: HyperCacheError | undefined;

  readonly #frames: FeedFrames;
  readonly #backoff: Backoff;

  constructor(private readonly parts: ReplicaLoopParts) {
    this.#frames = new FeedFrames({ ...parts, url: parts.client.url });
    this.#frames.following.on((isSnapshot) => this.#connect(isSnapshot));
    // The application starts meanwhile, and its reads go to the primary.
    this.#frames.copying.on(() => {
      this.#firstWait ??= setTimeout(() => this.#settleFirst(), FIRST_SNAPSHOT_MS);
    });
    this.#backoff = new Backoff(parts.random, FIRST_RETRY_MS, LAST_RETRY_MS);
  }

  /** Whether changes arrive: neither connecting nor in the middle of a snapshot. */
  get isConnected(): boolean {
    return this.#isConnected && !this.#frames.isCopying;
  }

  /** The primary's last revision that is known here. */
  get head(): number {
    return this.#frames.head;
  }

  /** Milliseconds from the commit of the last received change until this node applied it. */
  get lagMs(): number {
    return this.#frames.lagMs;
  }

  /** Snapshots taken since the start. */
  get snapshots(): number {
    return this.#frames.snapshots;
  }

  /**
   * Resolves when the first connection is made, including a small snapshot, or has failed in a way that may pass.
   *
   * @throws {HC_PRIMARY_REFUSED | HC_PRIMARY_FOREIGN | HC_PRIMARY_MISMATCH | HC_SUPERSEDED} which only another
   * configuration can fix
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
    this.#frames.abortSnapshot();
    this.#settleFirst();
  }

  /** The content of the replica has changed in another way: the connection starts again from the current position. */
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

  /** Runs one connection from beginning to end; returns why it ended. */
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
          position: position === undefined || this.#frames.mustCopy ? '' : formatPosition(position),
        },
        connection.signal,
      );
      await this.#read(stream, connection.signal, () => {
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
      this.#frames.abortSnapshot();
    }
  }

  async #read(stream: Readable, signal: AbortSignal, onFrame: () => void): Promise<void> {
    const { clock, maxValueBytes } = this.parts;
    const reader = new FrameReader(2 * maxValueBytes + FRAME_ROOM_BYTES);
    let turnEnds = clock.monotonic() + TURN_MS;
    for await (const chunk of stream) {
      reader.push(chunk as Buffer);
      for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
        onFrame();
        await this.#frames.take(frame, signal);
        if (this.#stopped) return;
        if (clock.monotonic() < turnEnds) continue;
        await nextTurn();
        turnEnds = clock.monotonic() + TURN_MS;
      }
    }
  }

  /** From here on, the replica follows the changes. */
  #connect(isSnapshot: boolean): void {
    if (this.#isConnected) return;
    this.#isConnected = true;
    this.#backoff.reset();
    this.#error = undefined;
    this.parts.onConnected(isSnapshot);
    this.#settleFirst();
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

/** Whether the error does not pass by itself, because the configuration of one of the two nodes is wrong. @internal */
export function isLasting(error: HyperCacheError): boolean {
  return [
    'HC_PRIMARY_FOREIGN',
    'HC_PRIMARY_MISMATCH',
    'HC_PRIMARY_REFUSED',
    'HC_SUPERSEDED',
  ].includes(error.code);
}

/** Whether an operator must act. The lost connection is already reported. That it does not recover by itself is news. */
function needsSomebody(error: HyperCacheError): boolean {
  return isLasting(error) || error.code === 'HC_TWO_PRIMARIES';
}

function isNetwork(error: unknown): boolean {
  if (typeof error !== 'object' || error === null || !('code' in error)) return false;
  // An error of the file system names a path.
  if ('path' in error) return false;
  return /^(E[A-Z]+|ERR_STREAM|ABORT_ERR)/.test(String(error.code));
}
