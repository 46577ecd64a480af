import type { Readable } from 'node:stream';
import type { HttpService } from '@nestjs/axios';
import type { AxiosAdapter } from 'axios';
import { systemClock } from '../common/clock.js';
import { systemRandom } from '../common/random.js';
import type { PrimaryClient } from '../cluster/wire/primary-client.js';
import type { FeedRequest } from '../cluster/wire/sync-endpoint.js';
import { judgeAnswer } from '../http/client/judge-answer.js';
import { loadHttpService } from './client/load-http-service.js';
import { nodeAdapter, type HeadersOf } from '../http/client/node-adapter.js';
import { targetOf, type Target } from '../http/client/target.js';
import { TOKEN_HEADER } from '../http/admission.js';
import { PROTOCOL_HEADER, SYNC_CONTENT_TYPE } from '../http/answer.js';
import { hashOfBody, signatureHeaders } from '../http/request-signature.js';

const HEADERS = {
  'content-type': SYNC_CONTENT_TYPE,
  accept: SYNC_CONTENT_TYPE,
  'accept-encoding': 'identity',
};
const NONCE_BYTES = 16;

/** @internal */
export interface HttpPrimaryClientOptions {
  /** The primary's address, with the global prefix of its application. */
  readonly url: string;
  /** Of its API, such as '/api/hypercache'. */
  readonly path: string;
  readonly token: string;
  /** Whether the token signs requests instead of travelling with them. */
  readonly signRequests: boolean;
  /** Milliseconds until an answer must be there; for a stream, until it must begin. */
  readonly timeoutMs: number;
}

/**
 * Reaches a primary through `HttpService` of @nestjs/axios, which is loaded with the first request.
 *
 * @internal
 */
export class HttpPrimaryClient implements PrimaryClient {
  readonly url: string;
  readonly #target: Target;
  readonly #timeoutMs: number;
  readonly #adapter: AxiosAdapter;
  #http: HttpService | undefined;

  constructor({ url, path, token, signRequests, timeoutMs }: HttpPrimaryClientOptions) {
    this.#target = targetOf(url, path);
    this.url = this.#target.url;
    this.#timeoutMs = timeoutMs;
    const showToken = { ...HEADERS, [TOKEN_HEADER]: token };
    this.#adapter = nodeAdapter(
      this.#target,
      signRequests ? signedHeaders(token) : () => showToken,
    );
  }

  async exchange(request: Buffer): Promise<Buffer> {
    return this.#send<Buffer>('/sync/batch', 'arraybuffer', request);
  }

  async feed(request: FeedRequest, signal: AbortSignal): Promise<Readable> {
    const { protocol, replicaId, position } = request;
    const query = new URLSearchParams({ protocol: String(protocol), replica: replicaId, position });
    const url = `/sync/feed?${query.toString()}`;
    return this.#send<Readable>(url, 'stream', undefined, signal);
  }

  async wait(request: Buffer, signal: AbortSignal): Promise<Readable> {
    return this.#send<Readable>('/sync/wait', 'stream', request, signal);
  }

  close(): void {
    this.#target.agent.destroy();
  }

  async #send<Content>(
    url: string,
    responseType: 'arraybuffer' | 'stream',
    body: Buffer | undefined,
    signal?: AbortSignal,
  ): Promise<Content> {
    const { axiosRef } = (this.#http ??= await loadHttpService(this.#adapter));
    const answer = await axiosRef
      .request<Content | Buffer>({
        url,
        method: body === undefined ? 'get' : 'post',
        responseType,
        timeout: this.#timeoutMs,
        data: body,
        ...(signal === undefined ? {} : { signal }),
      })
      .catch((error: unknown) => {
        // Where axios notices the abort it throws an error of its own.
        throw signal?.aborted === true ? signal.reason : error;
      });
    const { status, headers, data } = answer;
    const text = status !== 200 && Buffer.isBuffer(data) ? data.toString() : '';
    const protocol: unknown = headers[PROTOCOL_HEADER];
    const error = judgeAnswer(
      { status, protocol: typeof protocol === 'string' ? protocol : undefined, text },
      this.#target.url,
    );
    if (error === undefined) return data as Content;
    if (!Buffer.isBuffer(data)) (data as Readable).destroy();
    throw error;
  }
}

function signedHeaders(token: string): HeadersOf {
  return (method, url, body) => {
    const timestamp = systemClock.now();
    const nonce = systemRandom.hex(NONCE_BYTES);
    const request = { method, url, timestamp, nonce, bodyHash: hashOfBody(body) };
    return { ...HEADERS, ...signatureHeaders(request, token) };
  };
}
