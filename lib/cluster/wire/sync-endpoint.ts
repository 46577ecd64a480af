import type { Writable } from 'node:stream';

/** The protocol between nodes; both sides must speak the same. @internal */
export const PROTOCOL_VERSION = 2;

/** Which replica follows the changes, and from which position. @internal */
export interface FeedRequest {
  readonly protocol: number;
  /** Random, one for each start of a secondary. */
  readonly replicaId: string;
  /** Written by `formatPosition`; '' for a replica that holds nothing yet. */
  readonly position: string;
}

/**
 * What a primary offers to other nodes, as bytes that the transport need not understand. A method throws or rejects
 * only with a `HyperCacheError`, and only before anything is written.
 *
 * @internal
 */
export interface SyncEndpoint {
  /** Runs a batch of operations. */
  exchange(request: Buffer): Promise<Buffer>;
  /** Streams the changes after a position until either side ends it. */
  feed(request: FeedRequest, sink: Writable): void;
  /** Waits for a lease. Streams signs of life, and ends with the answer. When the sink closes, the wait ends. */
  wait(request: Buffer, sink: Writable): void;
}

/** What a primary offers only to operators. @internal */
export interface AdminEndpoint {
  /** Ends this primary for good: another node has taken its place. */
  supersede(request: Buffer): Buffer;
}
