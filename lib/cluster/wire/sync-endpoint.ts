import type { Writable } from 'node:stream';

/** The protocol between nodes; both sides must speak the same. @internal */
export const PROTOCOL_VERSION = 2;

/** Who follows the changes, and from where. @internal */
export interface FeedRequest {
  readonly protocol: number;
  /** Random, one for each start of a secondary. */
  readonly replicaId: string;
  /** As written by `formatPosition`; '' for a replica that holds nothing yet. */
  readonly position: string;
}

/**
 * What a primary offers to other nodes, as bytes: the transport above need not know what they mean. A method that
 * throws or rejects does so with a `HyperCacheError`, before anything was written.
 *
 * @internal
 */
export interface SyncEndpoint {
  /** Runs a batch of operations. */
  exchange(request: Buffer): Promise<Buffer>;
  /** Streams the changes after a position until either side ends it. */
  feed(request: FeedRequest, sink: Writable): void;
  /** Waits for a lease; streams signs of life, and the answer as the last thing. A sink that closes gives up. */
  wait(request: Buffer, sink: Writable): void;
}

/** What a primary does for operators alone. @internal */
export interface AdminEndpoint {
  /** Ends this primary for good: another node goes on in its place. */
  supersede(request: Buffer): Buffer;
}
