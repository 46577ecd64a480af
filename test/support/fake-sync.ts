import type { Writable } from 'node:stream';
import type { INestApplicationContext } from '@nestjs/common';
import { QueueFullError } from '../../lib/common/errors.js';
import { HYPERCACHE_NODE } from '../../lib/nest/hyper-cache.constants.js';
import type { FeedRequest, SyncEndpoint } from '../../lib/cluster/wire/sync-endpoint.js';

/** A request for which {@link FakeSync} fails. */
export const FULL = Buffer.from('full');
/** A request that {@link FakeSync} never answers. */
export const SILENT = Buffer.from('silent');

/** Answers what it was asked, so that the transport can be tested alone. */
export class FakeSync implements SyncEndpoint {
  /** Open streams of the feed. */
  readonly sinks: Writable[] = [];
  /** Batches that came. */
  batches = 0;

  async exchange(request: Buffer): Promise<Buffer> {
    this.batches++;
    if (request.equals(FULL)) throw new QueueFullError(7, 1);
    if (request.equals(SILENT)) return new Promise(() => undefined);
    return Buffer.concat([Buffer.from('echo '), request]);
  }

  feed(request: FeedRequest, sink: Writable): void {
    if (request.position === 'full') throw new QueueFullError(7, 1);
    this.sinks.push(sink);
    if (request.position !== 'quiet') sink.write(`${JSON.stringify(request)}\n`);
  }

  wait(request: Buffer, sink: Writable): void {
    if (request.equals(FULL)) throw new QueueFullError(7, 1);
    sink.write('...');
    sink.end(request);
  }
}

/** Makes the node of an application offer this endpoint. */
export function offerSync(app: INestApplicationContext, sync = new FakeSync()): FakeSync {
  Object.defineProperty(app.get(HYPERCACHE_NODE), 'sync', { value: sync });
  return sync;
}
