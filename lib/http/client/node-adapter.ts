import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { AxiosAdapter, AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import {
  PrimaryForeignError,
  PrimaryTimeoutError,
  PrimaryUnreachableError,
  type HyperCacheError,
} from '../../common/errors.js';
import { PROTOCOL_HEADER } from '../answer.js';
import { NODE_HEADER } from '../request-signature.js';
import type { Target } from './target.js';

type Settle = (finish: () => void) => void;

/** The headers of one request; `url` is path and query as sent. @internal */
export type HeadersOf = (
  method: string,
  url: string,
  body: Buffer | undefined,
) => OutgoingHttpHeaders;

/** The most bytes of an answer. A stream has no bound; its reader has one. */
const MAX_ANSWER_BYTES = 512 * 1024 * 1024;

/**
 * Sends axios' requests directly through `node:http`. Axios' own adapter spends several times the cost of the request on
 * redirects, proxies, progress and compression, none of which nodes use (see docs/maintainers/decisions.md). This adapter also
 * knows whether a failed request can have arrived.
 *
 * The headers are exactly the given ones. `responseType: 'stream'` gives a stream only when HyperCache answered 200. Every
 * other answer is a Buffer, which is empty when it is not HyperCache's.
 *
 * @internal
 */
export function nodeAdapter(target: Target, headersOf: HeadersOf): AxiosAdapter {
  return (config) =>
    new Promise((resolve, reject) => {
      new Sending(target, headersOf, config, resolve, reject).begin();
    });
}

class Sending {
  #request: ClientRequest | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isConnected = false;
  readonly #signal: AbortSignal | undefined;

  constructor(
    private readonly target: Target,
    private readonly headersOf: HeadersOf,
    private readonly config: InternalAxiosRequestConfig,
    private readonly resolve: (response: AxiosResponse) => void,
    private readonly reject: (error: unknown) => void,
  ) {
    this.#signal = config.signal as AbortSignal | undefined;
  }

  begin(): void {
    const { target, config } = this;
    const { agent, hostname, port, auth, isTls } = target;
    if (this.#signal?.aborted === true) return this.reject(this.#signal.reason);
    const body = config.data as Buffer | undefined;
    const method = body === undefined ? 'GET' : 'POST';
    const path = target.basePath + (config.url ?? '');
    const headers = this.headersOf(method, path, body);
    const request = target.request({
      agent,
      hostname,
      port,
      auth,
      method,
      path,
      headers: body === undefined ? headers : { ...headers, 'content-length': body.length },
    });
    this.#request = request;
    this.#timer = setTimeout(() => this.#onTimeout(), config.timeout);
    this.#signal?.addEventListener('abort', this.#onAbort, { once: true });
    request.on('socket', (socket) => {
      if (!socket.connecting) this.#isConnected = true;
      else socket.once(isTls ? 'secureConnect' : 'connect', () => (this.#isConnected = true));
    });
    request.on('error', (cause) => this.#settle(() => this.reject(this.#failure(cause))));
    request.on('response', (answer) => this.#onAnswer(answer));
    request.end(body);
  }

  readonly #onAbort = (): void => {
    const reason: unknown = this.#signal?.reason;
    this.#settle(() => this.reject(reason));
    this.#request?.destroy();
  };

  #onTimeout(): void {
    const { config } = this;
    const reason = `no ${this.#isConnected ? 'answer' : 'connection'} within ${config.timeout} ms`;
    this.#settle(() => this.reject(this.#failure(reason)));
    this.#request?.destroy();
  }

  #onAnswer(answer: IncomingMessage): void {
    const isOurs = answer.headers[PROTOCOL_HEADER] !== undefined;
    if (!isOurs) {
      this.#finish(answer, Buffer.alloc(0));
      // The page of another program is not needed.
      answer.on('error', () => undefined).destroy();
    } else if (this.config.responseType === 'stream' && answer.statusCode === 200) {
      this.#finish(answer, answer);
      this.#destroyOnAbort(answer);
    } else {
      this.#collect(answer);
    }
  }

  #collect(answer: IncomingMessage): void {
    const chunks: Buffer[] = [];
    let bytes = 0;
    answer.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      chunks.push(chunk);
      if (bytes > MAX_ANSWER_BYTES) {
        this.#settle(() => this.reject(tooLarge(this.target.url)));
        answer.destroy();
      }
    });
    answer.on('end', () => {
      const [first] = chunks;
      const isOne = chunks.length === 1 && first !== undefined;
      this.#finish(answer, isOne ? first : Buffer.concat(chunks, bytes));
    });
    answer.on('error', (cause) => this.#settle(() => this.reject(this.#failure(cause))));
  }

  #finish(answer: IncomingMessage, content: Buffer | IncomingMessage): void {
    const { config } = this;
    this.#settle(() =>
      this.resolve({
        data: content,
        status: answer.statusCode ?? 0,
        statusText: '',
        headers: {
          [PROTOCOL_HEADER]: answer.headers[PROTOCOL_HEADER],
          [NODE_HEADER]: answer.headers[NODE_HEADER],
        },
        config,
      }),
    );
  }

  /** The stream outlives the request. */
  #destroyOnAbort(stream: IncomingMessage): void {
    const signal = this.#signal;
    const onAbort = (): void => void stream.destroy();
    signal?.addEventListener('abort', onAbort, { once: true });
    stream.once('close', () => signal?.removeEventListener('abort', onAbort));
  }

  readonly #settle: Settle = (finish) => {
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener('abort', this.#onAbort);
    finish();
  };

  #failure(cause: unknown): HyperCacheError {
    const { url } = this.target;
    if (!this.#isConnected) return new PrimaryUnreachableError(url, cause);
    const reason = typeof cause === 'string' ? cause : 'the connection was lost';
    return new PrimaryTimeoutError(url, reason, cause);
  }
}

function tooLarge(url: string): HyperCacheError {
  return new PrimaryForeignError(
    `The answer of ${url} takes more than ${MAX_ANSWER_BYTES} bytes.`,
    'Check that primaryUrl is the address of the primary.',
  );
}
