import { PassThrough, type Readable, type Writable } from 'node:stream';
import { PrimaryUnreachableError } from '../../lib/common/errors.js';
import type { PrimaryClient } from '../../lib/replication/primary-client.js';
import type { FeedRequest, SyncEndpoint } from '../../lib/replication/sync-endpoint.js';

/** A connection to a primary of the same process, which a test can cut and restore. */
export class DirectClient implements PrimaryClient {
  /** Undefined: nobody answers. */
  endpoint: SyncEndpoint | undefined;
  readonly feeds: FeedRequest[] = [];
  exchanges = 0;
  readonly #streams = new Set<PassThrough>();

  constructor(endpoint: SyncEndpoint | undefined) {
    this.endpoint = endpoint;
  }

  async exchange(request: Buffer): Promise<Buffer> {
    this.exchanges++;
    return this.#reach().exchange(request);
  }

  async feed(request: FeedRequest, signal: AbortSignal): Promise<Readable> {
    this.feeds.push(request);
    return this.#stream((sink) => this.#reach().feed(request, sink), signal);
  }

  async wait(request: Buffer, signal: AbortSignal): Promise<Readable> {
    return this.#stream((sink) => this.#reach().wait(request, sink), signal);
  }

  close(): void {
    this.cut();
  }

  /** Ends all streams, as a network that fails would. */
  cut(): void {
    for (const stream of this.#streams) stream.destroy(new Error('cut'));
    this.#streams.clear();
  }

  #reach(): SyncEndpoint {
    if (this.endpoint === undefined) throw new PrimaryUnreachableError('direct', 'cut');
    return this.endpoint;
  }

  #stream(open: (sink: Writable) => void, signal: AbortSignal): Readable {
    const stream = new PassThrough();
    open(stream);
    this.#streams.add(stream);
    stream.on('close', () => this.#streams.delete(stream)).on('error', () => undefined);
    signal.addEventListener('abort', () => stream.destroy());
    return stream;
  }
}
