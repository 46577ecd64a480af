import type { IncomingMessage, ServerResponse } from 'node:http';
import { ClosedError } from '../common/errors.js';

/** How long the rest of a body may take once the application shuts down, in ms. */
const BODY_GRACE_MS = 1000;

/**
 * The operations that may take long: bodies that are being sent, streams between nodes, and requests that wait for a lock.
 *
 * @internal
 */
export class OpenAnswers {
  readonly #bodies = new Set<IncomingMessage>();
  readonly #streams = new Set<ServerResponse>();
  readonly #waits = new Set<AbortController>();
  #isClosed = false;

  /** @throws {HC_CLOSED} */
  assertOpen(): void {
    if (this.#isClosed) throw new ClosedError();
  }

  /** Closes the connection with its answer while the application shuts down. A server waits for open connections. */
  beforeAnswer(raw: ServerResponse): void {
    if (this.#isClosed && !raw.headersSent) raw.setHeader('connection', 'close');
  }

  /** Adds a request whose body may still be arriving. */
  addRequest(request: IncomingMessage): void {
    if (request.complete || this.#bodies.has(request)) return;
    this.#bodies.add(request);
    request.once('end', () => this.#bodies.delete(request));
    request.once('close', () => this.#bodies.delete(request));
  }

  addStream(stream: ServerResponse): void {
    this.#streams.add(stream);
    stream.once('close', () => this.#streams.delete(stream));
  }

  /**
   * Does work that may take long, until the client disconnects or the application shuts down.
   *
   * @throws {HC_CLOSED} and the error that the work throws
   */
  async during<T>(raw: ServerResponse, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.assertOpen();
    const controller = new AbortController();
    const leave = (): void => controller.abort(new ClosedError());
    this.#waits.add(controller);
    if (raw.destroyed) leave();
    else raw.once('close', leave);
    try {
      return await work(controller.signal);
    } finally {
      raw.off('close', leave);
      this.#waits.delete(controller);
    }
  }

  /** Ends all of them, and lets no new one begin. */
  close(): void {
    this.#isClosed = true;
    for (const controller of this.#waits) controller.abort(new ClosedError());
    for (const stream of this.#streams) stream.destroy();
    // A server waits for them as long as for any request.
    setTimeout(() => {
      for (const request of this.#bodies) request.destroy();
    }, BODY_GRACE_MS).unref();
  }
}
