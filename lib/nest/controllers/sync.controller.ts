import { Controller, Get, Inject, Post, Req, Res, UseFilters, UseGuards } from '@nestjs/common';
import { InvalidRequestError, NotPrimaryError, UnknownRouteError } from '../../common/errors.js';
import type { FeedRequest, SyncEndpoint } from '../../cluster/wire/sync-endpoint.js';
import { ApiContext } from '../api/api-context.js';
import { Uncached } from '../decorators/uncached.decorator.js';
import { ApiExceptionFilter } from '../filters/api-exception.filter.js';
import { ClusterTokenGuard } from '../guards/cluster-token.guard.js';
import { answerBytes, beginStream } from '../../http/answer.js';
import { ApiCall } from '../wire/api-call.js';
import { rawRequest, rawResponse } from '../../http/raw-exchange.js';
import { readBytes } from '../wire/read-body.js';

/** The routes between nodes. @internal */
@Controller()
@UseGuards(ClusterTokenGuard)
@UseFilters(ApiExceptionFilter)
export class SyncController {
  constructor(@Inject(ApiContext) private readonly api: ApiContext) {}

  @Post('sync/batch')
  async batch(@Req() request: unknown, @Res() response: unknown): Promise<void> {
    const sync = this.#sync();
    const body = await readBytes(request, this.api.maxBatchBytes);
    const answer = await sync.exchange(body);
    this.api.open.beforeAnswer(rawResponse(response));
    answerBytes(response, answer);
  }

  @Get('sync/feed')
  @Uncached()
  feed(@Req() request: unknown, @Res() response: unknown): void {
    // The platforms answer HEAD with the handler of GET.
    if (rawRequest(request).method !== 'GET') throw new UnknownRouteError();
    const sync = this.#sync();
    const from = feedRequest(new ApiCall(this.api, request, response));
    this.#stream(response, (sink) => sync.feed(from, sink));
  }

  @Post('sync/wait')
  async wait(@Req() request: unknown, @Res() response: unknown): Promise<void> {
    const sync = this.#sync();
    const body = await readBytes(request, this.api.maxBatchBytes);
    this.#stream(response, (sink) => sync.wait(body, sink));
  }

  /** Sends the headers immediately, unless the endpoint refuses the request. */
  #stream(response: unknown, begin: (sink: ReturnType<typeof beginStream>) => void): void {
    this.api.open.assertOpen();
    const sink = beginStream(response);
    begin(sink);
    this.api.open.addStream(sink);
    if (!sink.headersSent) sink.flushHeaders();
  }

  #sync(): SyncEndpoint {
    const { node } = this.api;
    if (node.sync === undefined) throw node.absent?.('change feed') ?? new NotPrimaryError();
    return node.sync;
  }
}

function feedRequest(call: ApiCall): FeedRequest {
  const protocol = Number(call.query('protocol') ?? Number.NaN);
  const replicaId = call.query('replica') ?? '';
  const position = call.query('position') ?? '';
  if (Number.isSafeInteger(protocol) && /^[\w-]{1,64}$/.test(replicaId) && position.length <= 256) {
    return { protocol, replicaId, position };
  }
  throw new InvalidRequestError(
    'The request for the feed lacks a protocol, a replica or an acceptable position.',
    'Only nodes request the feed.',
  );
}
