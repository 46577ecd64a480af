import type { Readable } from 'node:stream';
import type { FeedRequest } from './sync-endpoint.js';

/**
 * How a secondary reaches the {@link SyncEndpoint} of its primary. Each rejection is a `HyperCacheError`:
 * `HC_PRIMARY_UNREACHABLE` when the request did not arrive, `HC_PRIMARY_TIMEOUT` when it is unknown whether it arrived,
 * `HC_PRIMARY_REFUSED` for the token, `HC_PRIMARY_FOREIGN` when something else answered, `HC_PRIMARY_MISMATCH` for a
 * node with another protocol, or the primary's own error.
 *
 * @internal
 */
export interface PrimaryClient {
  /** The primary's URL, for messages. */
  readonly url: string;
  exchange(request: Buffer): Promise<Buffer>;
  /** Resolves when the answer begins. Aborting destroys the stream. */
  feed(request: FeedRequest, signal: AbortSignal): Promise<Readable>;
  /** As {@link feed}. */
  wait(request: Buffer, signal: AbortSignal): Promise<Readable>;
  /** Notifies a former primary, as an operator, that its history has ended. */
  supersede(request: Buffer): Promise<Buffer>;
  /** Closes the connections. */
  close(): void;
}
