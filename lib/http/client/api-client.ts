import type { IncomingMessage } from 'node:http';
import { systemClock } from '../../common/clock.js';
import {
  HyperCacheError,
  MissError,
  NotPrimaryError,
  PrimaryForeignError,
  PrimaryTimeoutError,
  PrimaryUnreachableError,
  UnauthorizedError,
  type HyperCacheErrorCode,
} from '../../common/errors.js';
import { PROTOCOL_HEADER } from '../answer.js';
import { NODE_HEADER } from '../request-signature.js';
import { signRequest } from './sign-request.js';
import { targetOf, type Target } from './target.js';

/** @internal */
export interface ApiClientOptions {
  /** The address of the node, with the global prefix of its application. It may end with the path of the API. */
  readonly url: string;
  /** The path of the API, such as '/api/hypercache'. */
  readonly path: string;
  /** Signs the requests. It is never sent. */
  readonly token: string;
  /** Milliseconds without a byte after which a request fails. */
  readonly timeoutMs: number;
}

interface Answer {
  readonly status: number;
  readonly isOurs: boolean;
  readonly body: unknown;
}

/** The error that a node has answered, with its own code and message. @internal */
export class ApiAnswerError extends HyperCacheError {
  constructor(
    readonly code: HyperCacheErrorCode,
    message: string,
  ) {
    super(message, '');
    this.message = message;
  }
}

/**
 * Uses the HTTP API of one node, as an operator does.
 *
 * @internal
 */
export class ApiClient {
  readonly url: string;
  /** How far the clock of the last responder is ahead of this one, in ms, to the second; undefined when it sends no time. */
  clockOffset: number | undefined;
  readonly #target: Target;
  /** The node's id, from its answers. Requests are signed for it. */
  #node: string | undefined;

  constructor(private readonly options: ApiClientOptions) {
    this.#target = targetOf(options.url, options.path);
    this.url = this.#target.url;
  }

  /**
   * @param path behind the path of the API, with its query
   * @throws {HC_PRIMARY_UNREACHABLE | HC_PRIMARY_TIMEOUT | HC_PRIMARY_FOREIGN | HC_UNAUTHORIZED} and the error that the node
   * answers
   */
  async request(method: string, path: string, fields?: object): Promise<unknown> {
    const body = fields === undefined ? undefined : Buffer.from(JSON.stringify(fields));
    const asked = this.#node;
    let answer = await this.#send(method, path, body);
    // The node has sent its id: the request is repeated, signed for this id.
    if (answer.status === 401 && this.#node !== asked)
      answer = await this.#send(method, path, body);
    if (answer.isOurs && answer.status === 200) return answer.body;
    throw this.#refusal(answer);
  }

  /**
   * Whether a stream without an end delivers its first bytes. A proxy in between may hold them back.
   *
   * @param path of a stream that the node begins immediately, behind the path of the API
   */
  begins(path: string, timeoutMs: number): Promise<boolean> {
    const { request, agent, hostname, port, auth, basePath } = this.#target;
    const url = basePath + path;
    return new Promise((resolve) => {
      const sent = request({
        agent,
        hostname,
        port,
        path: url,
        ...(auth === undefined ? {} : { auth }),
        headers: this.#signature('GET', url, undefined),
        signal: AbortSignal.timeout(timeoutMs),
      });
      const end = (hasBegun: boolean): void => {
        sent.destroy();
        resolve(hasBegun);
      };
      sent.on('error', () => end(false));
      sent.on('response', (response) => {
        response.on('error', () => end(false)).once('end', () => end(false));
        response.once('data', () => end(response.statusCode === 200));
      });
      sent.end();
    });
  }

  close(): void {
    this.#target.agent.destroy();
  }

  #send(method: string, path: string, body: Buffer | undefined): Promise<Answer> {
    const { request, agent, hostname, port, auth, basePath } = this.#target;
    const url = basePath + path;
    const { timeoutMs } = this.options;
    return new Promise((resolve, reject) => {
      const sent = request({
        method,
        agent,
        hostname,
        port,
        path: url,
        ...(auth === undefined ? {} : { auth }),
        timeout: timeoutMs,
        headers: {
          accept: 'application/json',
          'accept-encoding': 'identity',
          ...(body === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': body.length }),
          ...this.#signature(method, url, body),
        },
      });
      sent.on('timeout', () => {
        sent.destroy(new PrimaryTimeoutError(this.url, `nothing arrived for ${timeoutMs} ms`));
      });
      sent.on('error', (error) => reject(this.#failure(error)));
      sent.on('response', (response) => {
        this.#read(response).then(resolve, (error: unknown) => reject(this.#failure(error)));
      });
      sent.end(body);
    });
  }

  async #read(response: IncomingMessage): Promise<Answer> {
    const node = response.headers[NODE_HEADER];
    if (typeof node === 'string') this.#node = node;
    const { date } = response.headers;
    if (date !== undefined) this.clockOffset = Date.parse(date) - systemClock.now();
    const { statusCode: status = 0 } = response;
    if (response.headers[PROTOCOL_HEADER] === undefined) {
      // The page of another program, which may never end.
      response.on('error', () => undefined).destroy();
      return { status, isOurs: false, body: undefined };
    }
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    return { status, isOurs: true, body: parsed(Buffer.concat(chunks).toString()) };
  }

  #signature(method: string, url: string, body: Buffer | undefined): Record<string, string> {
    return signRequest(method, url, body, { token: this.options.token, node: this.#node });
  }

  #failure(error: unknown): HyperCacheError {
    return error instanceof HyperCacheError ? error : new PrimaryUnreachableError(this.url, error);
  }

  #refusal({ status, isOurs, body }: Answer): HyperCacheError {
    const { code, message }: { code?: unknown; message?: unknown } = Object(body);
    if (!isOurs || typeof code !== 'string') {
      return new PrimaryForeignError(
        `The host application answered, not HyperCache: status ${status} from ${this.url}.`,
        'Check --url: add the global prefix of the application, and the path of the API if that is not the usual one; a node without an apiToken serves no API.',
      );
    }
    if (code === 'HC_UNAUTHORIZED') {
      return new UnauthorizedError(
        `The node at ${this.url} does not accept the token, or the clocks differ by more than 30 s.`,
        'Set HYPERCACHE_API_TOKEN to one of its apiTokens.',
      );
    }
    if (code === 'HC_MISS') return new MissError();
    if (code === 'HC_NOT_PRIMARY') {
      return new NotPrimaryError(
        `The node at ${this.url} is not a primary.`,
        'Give --url the address of the primary.',
      );
    }
    return new ApiAnswerError(code as HyperCacheErrorCode, String(message));
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
