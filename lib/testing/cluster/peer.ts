import { pipeline, type Readable, type Writable } from 'node:stream';
import type { Awaitable } from '../../common/awaitable.js';
import type { PrimaryClient } from '../../cluster/wire/primary-client.js';
import type { FeedRequest } from '../../cluster/wire/sync-endpoint.js';

/** A primary as another node reaches it: the endpoint of a node in this process, or a connection to it by HTTP. @internal */
export interface Peer {
  exchange(request: Buffer): Promise<Buffer>;
  feed(request: FeedRequest, sink: Writable, signal: AbortSignal): Awaitable<void>;
  wait(request: Buffer, sink: Writable, signal: AbortSignal): Awaitable<void>;
  supersede?(request: Buffer): Awaitable<Buffer>;
}

/** A primary behind a client. @internal */
export class RemotePeer implements Peer {
  constructor(private readonly client: PrimaryClient) {}

  exchange(request: Buffer): Promise<Buffer> {
    return this.client.exchange(request);
  }

  async feed(request: FeedRequest, sink: Writable, signal: AbortSignal): Promise<void> {
    connect(await this.client.feed(request, signal), sink);
  }

  async wait(request: Buffer, sink: Writable, signal: AbortSignal): Promise<void> {
    connect(await this.client.wait(request, signal), sink);
  }

  supersede(request: Buffer): Promise<Buffer> {
    return this.client.supersede(request);
  }

  close(): void {
    this.client.close();
  }
}

/** The end of one stream ends the other. The reader of the sink receives the reason. */
function connect(from: Readable, to: Writable): void {
  pipeline(from, to, () => undefined);
}
