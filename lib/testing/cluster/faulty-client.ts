import type { Readable, Writable } from 'node:stream';
import type { Awaitable } from '../../common/awaitable.js';
import {
  NotPrimaryError,
  PrimaryTimeoutError,
  PrimaryUnreachableError,
} from '../../common/errors.js';
import type { PrimaryClient } from '../../cluster/wire/primary-client.js';
import type { FeedRequest } from '../../cluster/wire/sync-endpoint.js';
import { Gate } from './gate.js';
import type { Peer } from './peer.js';

/** @internal */
export interface FaultyClientParts {
  /** The primary's URL, for messages. */
  readonly url: string;
  /** Undefined while no peer answers. */
  readonly peer: () => Peer | undefined;
  /** The travel time of a request, an answer and each piece of a stream, in milliseconds. @default 0 */
  readonly delay?: () => number;
  /** Milliseconds after which a request no longer gets an answer. @default Infinity */
  readonly timeoutMs?: number;
}

/**
 * A connection to a primary that a test can cut, delay, hold and restore.
 *
 * @internal
 */
export class FaultyClient implements PrimaryClient {
  readonly url: string;
  readonly #streams = new Set<Gate>();
  /** Delayed requests and answers. Each continues when the client is closed. */
  readonly #underway = new Set<() => void>();
  #isClosed = false;
  #isHeld = false;
  readonly #waiting: (() => void)[] = [];
  #allowed = 0;

  constructor(private readonly parts: FaultyClientParts) {
    this.url = parts.url;
  }

  exchange(request: Buffer): Promise<Buffer> {
    return this.#ask((peer) => peer.exchange(request));
  }

  supersede(request: Buffer): Promise<Buffer> {
    return this.#ask((peer) => {
      if (peer.supersede === undefined) throw new NotPrimaryError();
      return peer.supersede(request);
    });
  }

  feed(request: FeedRequest, signal: AbortSignal): Promise<Readable> {
    return this.#stream((peer, sink) => peer.feed(request, sink, signal), signal);
  }

  wait(request: Buffer, signal: AbortSignal): Promise<Readable> {
    return this.#stream((peer, sink) => peer.wait(request, sink, signal), signal);
  }

  close(): void {
    this.#isClosed = true;
    this.cut();
    for (const arrive of Array.from(this.#underway)) arrive();
  }

  /** Ends all streams, as a failing network would. */
  cut(): void {
    for (const stream of this.#streams)
      stream.destroy(new ConnectionReset('the test has cut it off'));
    this.#streams.clear();
  }

  /** Holds back the data of streams after this many more pieces. Requests still pass. */
  hold(pieces = 0): void {
    this.#allowed = pieces;
    this.#isHeld = true;
    this.#wake();
  }

  /** Releases the data that was held back, and all later data. */
  release(): void {
    this.#isHeld = false;
    this.#wake();
  }

  async #passed(): Promise<void> {
    while (this.#isHeld && this.#allowed === 0) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    if (this.#allowed > 0) this.#allowed--;
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #reach(): Peer {
    const peer = this.#isClosed ? undefined : this.parts.peer();
    if (peer === undefined) throw new PrimaryUnreachableError(this.url, 'the test has cut it off');
    return peer;
  }

  async #ask(ask: (peer: Peer) => Awaitable<Buffer>): Promise<Buffer> {
    const ms = this.#delay;
    const peer = this.#reach();
    if (ms === 0) return ask(peer);
    const { timeoutMs = Infinity } = this.parts;
    const answered = this.#askLater(ask, ms);
    if (2 * ms < timeoutMs) return answered;
    // The request is executed all the same, and its answer comes too late.
    answered.catch(() => undefined);
    await this.#travel(timeoutMs);
    throw new PrimaryTimeoutError(this.url, `there was no answer within ${timeoutMs} ms`);
  }

  async #askLater(ask: (peer: Peer) => Awaitable<Buffer>, ms: number): Promise<Buffer> {
    await this.#travel(ms);
    const answer = await ask(this.#reach());
    await this.#travel(ms);
    if (this.parts.peer() !== undefined) return answer;
    throw new PrimaryTimeoutError(this.url, 'the test has cut it off meanwhile');
  }

  /** Like a socket, it keeps the process alive for its waiting caller. */
  #travel(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const arrive = (): void => {
        clearTimeout(timer);
        this.#underway.delete(arrive);
        resolve();
      };
      const timer = setTimeout(arrive, ms);
      this.#underway.add(arrive);
    });
  }

  get #delay(): number {
    return this.parts.delay?.() ?? 0;
  }

  async #stream(
    open: (peer: Peer, sink: Writable) => Awaitable<void>,
    signal: AbortSignal,
  ): Promise<Readable> {
    const stream = new Gate(
      () => (this.#isHeld ? this.#passed() : undefined),
      () => this.#delay,
    );
    stream.on('close', () => this.#streams.delete(stream)).on('error', () => undefined);
    this.#streams.add(stream);
    try {
      const opening = open(this.#reach(), stream);
      if (opening !== undefined) await opening;
    } catch (error) {
      stream.destroy();
      throw error;
    }
    signal.addEventListener('abort', () => stream.destroy());
    return stream;
  }
}

/** The error with which Node reports a broken connection. */
class ConnectionReset extends Error {
  readonly code = 'ECONNRESET';
}
