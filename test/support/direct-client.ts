import type { Readable } from 'node:stream';
import { FaultyClient } from '../../lib/testing/cluster/faulty-client.js';
import type { FeedRequest, SyncEndpoint } from '../../lib/cluster/wire/sync-endpoint.js';

/** A connection to a primary of the same process, which a test can cut, hold and restore. */
export class DirectClient extends FaultyClient {
  readonly feeds: FeedRequest[] = [];
  exchanges = 0;
  waits = 0;

  /** @param endpoint undefined: nobody answers */
  constructor(public endpoint: SyncEndpoint | undefined) {
    super({ url: 'http://direct', peer: () => this.endpoint });
  }

  override exchange(request: Buffer): Promise<Buffer> {
    this.exchanges++;
    return super.exchange(request);
  }

  override feed(request: FeedRequest, signal: AbortSignal): Promise<Readable> {
    this.feeds.push(request);
    return super.feed(request, signal);
  }

  override wait(request: Buffer, signal: AbortSignal): Promise<Readable> {
    this.waits++;
    return super.wait(request, signal);
  }

  override supersede(request: Buffer): Promise<Buffer> {
    this.exchanges++;
    return super.supersede(request);
  }
}
