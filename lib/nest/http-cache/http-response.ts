import type { OutgoingHttpHeaders } from 'node:http';
import { detach, sent, type RawResponse } from './detached-response.js';

/** The common part of the requests of Express and Fastify. @internal */
export interface HttpRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly url: string;
  /** The original URL, on Express: `url` is shorter within a router. */
  readonly originalUrl?: string;
  /** The data that a guard has found about the client. */
  readonly user?: unknown;
}

/** The part of Fastify's reply that we use. */
interface Reply {
  readonly raw: RawResponse;
  readonly sent: boolean;
  readonly statusCode: number;
  code(status: number): unknown;
  getHeaders(): OutgoingHttpHeaders;
  getHeader(name: string): OutgoingHttpHeaders[string];
  header(name: string, value: unknown): unknown;
  removeHeader(name: string): unknown;
  send: (body?: unknown) => unknown;
  serialize(value: unknown): string | Uint8Array;
  serializer(serialize: (value: unknown) => string): unknown;
}

/** The bytes that a response sends. */
const AS_IS = Symbol('as is');

/** The part of Express' response that we use. */
interface ExpressResponse extends RawResponse {
  readonly app?: { get(setting: string): unknown };
  json(body: unknown): unknown;
  send(body: unknown): unknown;
  end(body?: unknown): unknown;
  [AS_IS]?: Uint8Array;
}

/** The response of one request, on either platform. @internal */
export interface HttpResponse {
  /** Whether the headers were sent, or the handler has taken over sending them. */
  readonly hasAnswered: boolean;
  readonly isClosed: boolean;
  status: number;
  headers(): OutgoingHttpHeaders;
  get(name: string): OutgoingHttpHeaders[string];
  set(name: string, value: string | number | readonly string[]): void;
  remove(name: string): void;
  /** The bytes that the platform would send for an object; undefined when only the platform can make them. */
  serialize(body: object): Uint8Array | undefined;
  /** Makes the platform send these bytes unchanged. Nest receives them as the body. */
  sendsAsIs(bytes: Uint8Array): void;
  /** Makes the platform answer 304, for any body that it then receives. */
  sendsNotModified(): void;
  /**
   * Resolves once the client has its answer. From then on, changes to the response reach no client, and the response can be
   * read as if nothing had been sent.
   */
  detachOnceSent(status: number): Promise<void>;
}

/** @internal */
export function httpResponse(response: object): HttpResponse {
  return isReply(response)
    ? new FastifyResponse(response)
    : new ExpressJsonResponse(response as ExpressResponse);
}

function isReply(response: object): response is Reply {
  return 'raw' in response && 'serialize' in response;
}

class FastifyResponse implements HttpResponse {
  #isDetached = false;
  #makesNothing = false;

  constructor(private readonly reply: Reply) {}

  get hasAnswered(): boolean {
    return (this.reply.sent && !this.#isDetached) || this.reply.raw.headersSent;
  }

  get isClosed(): boolean {
    return this.reply.raw.destroyed && !this.#isDetached;
  }

  get status(): number {
    return this.reply.statusCode;
  }

  set status(status: number) {
    this.reply.code(status);
  }

  headers(): OutgoingHttpHeaders {
    return this.reply.getHeaders();
  }

  get(name: string): OutgoingHttpHeaders[string] {
    return this.reply.getHeader(name);
  }

  set(name: string, value: string | number | readonly string[]): void {
    this.reply.header(name, value);
  }

  remove(name: string): void {
    this.reply.removeHeader(name);
  }

  serialize(body: object): Uint8Array | undefined {
    if (this.#makesNothing) return undefined;
    const text = this.reply.serialize(body);
    return typeof text === 'string' ? Buffer.from(text) : text;
  }

  sendsAsIs(): void {
    // Fastify does so with every Buffer.
  }

  sendsNotModified(): void {
    this.reply.code(304);
    this.#makesNothing = true;
    // Node sends no body with this status, so none is made.
    this.reply.serializer(() => '');
  }

  async detachOnceSent(status: number): Promise<void> {
    const { reply } = this;
    await sent(reply.raw);
    detach(reply.raw, status);
    this.#isDetached = true;
    // Fastify would only warn about a second answer.
    reply.send = () => reply.raw.end();
    // Fastify has copied them to the response, and keeps them.
    for (const name of Object.keys(reply.getHeaders())) reply.removeHeader(name);
  }
}

/** Settings that change what `res.json()` sends. */
const JSON_SETTINGS = ['json replacer', 'json spaces', 'json escape'];

class ExpressJsonResponse implements HttpResponse {
  #isDetached = false;

  constructor(private readonly response: ExpressResponse) {}

  get hasAnswered(): boolean {
    return this.response.headersSent;
  }

  get isClosed(): boolean {
    return this.response.destroyed && !this.#isDetached;
  }

  get status(): number {
    return this.response.statusCode;
  }

  set status(status: number) {
    this.response.statusCode = status;
  }

  headers(): OutgoingHttpHeaders {
    return this.response.getHeaders();
  }

  get(name: string): OutgoingHttpHeaders[string] {
    return this.response.getHeader(name);
  }

  set(name: string, value: string | number | readonly string[]): void {
    this.response.setHeader(name, value);
  }

  remove(name: string): void {
    this.response.removeHeader(name);
  }

  serialize(body: object): Uint8Array | undefined {
    const { app } = this.response;
    if (JSON_SETTINGS.some((setting) => app?.get(setting))) return undefined;
    const text: string | undefined = JSON.stringify(body);
    return text === undefined ? undefined : Buffer.from(text);
  }

  sendsAsIs(bytes: Uint8Array): void {
    this.response[AS_IS] = bytes;
    this.response.json = jsonOrBytes;
  }

  sendsNotModified(): void {
    const { response } = this;
    response.statusCode = 304;
    response.json = jsonOrNothing;
    response.send = sendOrNothing;
  }

  async detachOnceSent(status: number): Promise<void> {
    await sent(this.response);
    detach(this.response, status);
    this.#isDetached = true;
  }
}

/** Nest makes Express convert every object to JSON, a Buffer included. */
function jsonOrBytes(this: ExpressResponse, body: unknown): unknown {
  const bytes = this[AS_IS];
  if (bytes === undefined || body !== bytes) return ofExpress(this).json.call(this, body);
  this.setHeader('content-length', bytes.byteLength);
  return this.end(bytes);
}

/** An outer interceptor may have set another status since. */
function jsonOrNothing(this: ExpressResponse, body: unknown): unknown {
  return this.statusCode === 304 ? endEmpty(this) : ofExpress(this).json.call(this, body);
}

function sendOrNothing(this: ExpressResponse, body: unknown): unknown {
  return this.statusCode === 304 ? endEmpty(this) : ofExpress(this).send.call(this, body);
}

function endEmpty(response: ExpressResponse): unknown {
  response.removeHeader('content-type');
  return response.end();
}

function ofExpress(response: ExpressResponse): ExpressResponse {
  return Object.getPrototypeOf(response) as ExpressResponse;
}
