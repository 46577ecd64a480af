import type { Readable } from 'node:stream';
import type { HttpService } from '@nestjs/axios';
import type { AxiosAdapter, AxiosResponse } from 'axios';
import type { PrimaryClient } from '../cluster/wire/primary-client.js';
import type { FeedRequest } from '../cluster/wire/sync-endpoint.js';
import { judgeAnswer } from '../http/client/judge-answer.js';
import { loadHttpService } from './client/load-http-service.js';
import { signRequest } from '../http/client/sign-request.js';
import { nodeAdapter, type HeadersOf } from '../http/client/node-adapter.js';
import { targetOf, type Target } from '../http/client/target.js';
import { TOKEN_HEADER } from '../http/admission.js';
import { PROTOCOL_HEADER, SYNC_CONTENT_TYPE } from '../http/answer.js';
import { NODE_HEADER } from '../http/request-signature.js';

const HEADERS = {
  'content-type': SYNC_CONTENT_TYPE,
  accept: SYNC_CONTENT_TYPE,
  'accept-encoding': 'identity',
};
const SUPERSEDE_PATH = '/sync/supersede';

/** @internal */
export interface HttpPrimaryClientOptions {
  /** The primary's address, with the global prefix of its application. */
  readonly url: string;
  /** The path of its API, such as '/api/hypercache'. */
  readonly path: string;
  readonly token: string;
  /** Sent in place of the token when the request is an operator's. */
  readonly adminToken?: string | undefined;
  /** Whether the token signs requests and is not sent itself. */
  readonly signRequests: boolean;
  /** Milliseconds within which an answer must arrive. The answer of a stream must begin by then. */
  readonly timeoutMs: number;
}

/**
 * Reaches a primary through `HttpService` of @nestjs/axios, which is loaded at the first request.
 *
 * @internal
 */
export class HttpPrimaryClient implements PrimaryClient {
  readonly url: string;
  readonly #target: Target;
  readonly #timeoutMs: number;
  readonly #adapter: AxiosAdapter;
  #http: HttpService | undefined;
  /** The id that the primary last gave. Requests are signed for it. */
  #node: string | undefined;

  constructor(options: HttpPrimaryClientOptions) {
    const { url, path, token, adminToken = '', signRequests, timeoutMs } = options;
    this.#target = targetOf(url, path);
    this.url = this.#target.url;
    this.#timeoutMs = timeoutMs;
    const secretFor = (asked: string): string =>
      asked.endsWith(SUPERSEDE_PATH) ? adminToken : token;
    const showToken: HeadersOf = (_method, asked) => ({
      ...HEADERS,
      [TOKEN_HEADER]: secretFor(asked),
    });
    this.#adapter = nodeAdapter(
      this.#target,
      signRequests ? this.#signedHeaders(secretFor) : showToken,
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

  async supersede(request: Buffer): Promise<Buffer> {
    return this.#send<Buffer>(SUPERSEDE_PATH, 'arraybuffer', request);
  }

  close(): void {
    this.#target.agent.destroy();
  }

  /** Repeats the request once, with the new id, when the primary is another one than before. */
  async #send<Content>(
    url: string,
    responseType: 'arraybuffer' | 'stream',
    body: Buffer | undefined,
    signal?: AbortSignal,
  ): Promise<Content> {
    const asked = this.#node;
    const answer = await this.#request<Content>(url, responseType, body, signal);
    const { error, data } = this.#judge(answer);
    if (error === undefined) return data;
    const isRenamed = answer.status === 401 && this.#node !== asked;
    if (!isRenamed) throw error;
    const second = this.#judge(await this.#request<Content>(url, responseType, body, signal));
    if (second.error !== undefined) throw second.error;
    return second.data;
  }

  async #request<Content>(
    url: string,
    responseType: 'arraybuffer' | 'stream',
    body: Buffer | undefined,
    signal: AbortSignal | undefined,
  ): Promise<AxiosResponse<Content | Buffer>> {
    const { axiosRef } = (this.#http ??= await loadHttpService(this.#adapter));
    return axiosRef
      .request<Content | Buffer>({
        url,
        method: body === undefined ? 'get' : 'post',
        responseType,
        timeout: this.#timeoutMs,
        data: body,
        ...(signal === undefined ? {} : { signal }),
      })
      .catch((error: unknown) => {
        // When axios notices the abort, it throws an error of its own.
        throw signal?.aborted === true ? signal.reason : error;
      });
  }

  #judge<Content>({ status, headers, data }: AxiosResponse<Content | Buffer>) {
    const node: unknown = headers[NODE_HEADER];
    if (typeof node === 'string') this.#node = node;
    const text = status !== 200 && Buffer.isBuffer(data) ? data.toString() : '';
    const protocol: unknown = headers[PROTOCOL_HEADER];
    const error = judgeAnswer(
      { status, protocol: typeof protocol === 'string' ? protocol : undefined, text },
      this.#target.url,
    );
    if (error !== undefined && !Buffer.isBuffer(data)) (data as Readable).destroy();
    return { error, data: data as Content };
  }

  #signedHeaders(secretFor: (url: string) => string): HeadersOf {
    return (method, url, body) => ({
      ...HEADERS,
      ...signRequest(method, url, body, { token: secretFor(url), node: this.#node }),
    });
  }
}
