import { Transform, type Readable, type TransformCallback, type Writable } from 'node:stream';
import { NotPrimaryError, PrimaryUnreachableError } from '../../lib/common/errors.js';
import type { PrimaryClient } from '../../lib/cluster/wire/primary-client.js';
import type {
  AdminEndpoint,
  FeedRequest,
  SyncEndpoint,
} from '../../lib/cluster/wire/sync-endpoint.js';
import { deferred, type Deferred } from './deferred.js';

/** A connection to a primary of the same process, which a test can cut, hold and restore. */
export class DirectClient implements PrimaryClient {
  readonly url = 'http://direct';
  /** Undefined: nobody answers. */
  endpoint: SyncEndpoint | undefined;
  readonly feeds: FeedRequest[] = [];
  exchanges = 0;
  waits = 0;
  readonly #streams = new Set<Gate>();
  #held: Deferred<void> | undefined;
  #allowed = 0;

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
    this.waits++;
    return this.#stream((sink) => this.#reach().wait(request, sink), signal);
  }

  async supersede(request: Buffer): Promise<Buffer> {
    this.exchanges++;
    const endpoint: SyncEndpoint & Partial<AdminEndpoint> = this.#reach();
    if (endpoint.supersede === undefined) throw new NotPrimaryError();
    return endpoint.supersede(request);
  }

  close(): void {
    this.cut();
  }

  /** Ends all streams, as a network that fails would. */
  cut(): void {
    for (const stream of this.#streams) stream.destroy(cutOff());
    this.#streams.clear();
  }

  /** What streams bring is held back, but for so many more frames; requests still pass. */
  hold(frames = 0): void {
    this.#allowed = frames;
    const held = this.#held;
    this.#held = deferred();
    held?.resolve();
  }

  /** What was held back comes, and what follows. */
  release(): void {
    this.#held?.resolve();
    this.#held = undefined;
  }

  async #passed(): Promise<void> {
    while (this.#held !== undefined && this.#allowed === 0) await this.#held.promise;
    if (this.#allowed > 0) this.#allowed--;
  }

  #reach(): SyncEndpoint {
    if (this.endpoint === undefined) throw new PrimaryUnreachableError('direct', 'cut');
    return this.endpoint;
  }

  #stream(open: (sink: Writable) => void, signal: AbortSignal): Readable {
    const stream = new Gate(() => (this.#held === undefined ? undefined : this.#passed()));
    open(stream);
    this.#streams.add(stream);
    stream.on('close', () => this.#streams.delete(stream)).on('error', () => undefined);
    signal.addEventListener('abort', () => stream.destroy());
    return stream;
  }
}

/** As Node tells it of a connection. */
function cutOff(): Error {
  return Object.assign(new Error('cut'), { code: 'ECONNRESET' });
}

/** Lets one write after the other through, each when it may pass. */
class Gate extends Transform {
  constructor(private readonly mayPass: () => Promise<void> | undefined) {
    super();
  }

  async #pass(chunk: Buffer, done: TransformCallback): Promise<void> {
    const passing = this.mayPass();
    if (passing !== undefined) await passing;
    done(null, chunk);
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    void this.#pass(chunk, done);
  }
}
