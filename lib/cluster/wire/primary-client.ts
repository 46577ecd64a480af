import type { Readable } from 'node:stream';
import type { FeedRequest } from './sync-endpoint.js';

/**
 * How a secondary reaches the {@link SyncEndpoint} of its primary. Rejections are a `HyperCacheError`:
 * `HC_PRIMARY_UNREACHABLE` when the request did not arrive, `HC_PRIMARY_TIMEOUT` when nobody knows whether it did,
 * `HC_PRIMARY_REFUSED` for the token, `HC_PRIMARY_FOREIGN` when somebody else answered, `HC_PRIMARY_MISMATCH` for
 * a node of another protocol, or what the primary itself said.
 *
 * @internal
 */
export interface PrimaryClient {
  /** Where the primary is, for messages. */
  readonly url: string;
  exchange(request: Buffer): Promise<Buffer>;
  /** Resolves when the answer begins. Aborting destroys the stream. */
  feed(request: FeedRequest, signal: AbortSignal): Promise<Readable>;
  /** As {@link feed}. */
  wait(request: Buffer, signal: AbortSignal): Promise<Readable>;
  /** Tells a former primary that its history has ended, as an operator. */
  supersede(request: Buffer): Promise<Buffer>;
  /** Closes the connections. */
  close(): void;
}
