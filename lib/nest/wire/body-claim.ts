import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpServer } from '@nestjs/common';
import { InvalidRequestError } from '../../common/errors.js';
import { answerError } from '../../http/answer.js';
import type { ApiPaths } from './api-paths.js';

/** What says how a body is framed and encoded. @internal */
export interface BodyHeaders {
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  /** Bytes; undefined when the body comes in chunks. */
  readonly contentLength: number | undefined;
}

type Next = (error?: unknown) => void;

/** Fastify looks for the route first. */
interface RoutedRequest {
  readonly raw: IncomingMessage;
  /** As it was registered; without a path, there is none. */
  readonly routeOptions: { readonly url?: string };
}

/** What Fastify's instance offers, as far as it is used here. */
interface HookableServer {
  addHook(
    name: 'onRequest',
    hook: (request: RoutedRequest, reply: unknown, done: Next) => void,
  ): void;
}

const claimed = new WeakMap<IncomingMessage, BodyHeaders>();

/**
 * Keeps the body parsers of the host, with their limits and content types, away from the bodies of our requests: the
 * headers that announce a body are put aside before any of them looks. The body is left in the request, to be read
 * once the token was checked.
 *
 * @internal
 */
export function claimBodies(adapter: HttpServer, ours: ApiPaths): void {
  if (adapter.getType?.() === 'fastify') {
    const server: HookableServer = adapter.getInstance();
    server.addHook('onRequest', ({ raw, routeOptions }, _reply, done) => {
      if (routeOptions.url !== undefined && ours.include(routeOptions.url)) claimBody(raw);
      done();
    });
  } else {
    adapter.use((request: IncomingMessage, response: ServerResponse, next: Next) => {
      const path = pathOf(request.url ?? '/');
      if (!ours.include(path)) return next();
      if (!isDecodable(path)) {
        return answerError(
          response,
          new InvalidRequestError('The path is not well encoded.', 'Percent-encode it as UTF-8.'),
        );
      }
      claimBody(request);
      return next();
    });
  }
}

/** The headers of a body, claimed or not. @internal */
export function bodyHeaders(request: IncomingMessage): BodyHeaders {
  return claimed.get(request) ?? readHeaders(request);
}

function claimBody(request: IncomingMessage): void {
  claimed.set(request, readHeaders(request));
  const { headers } = request;
  for (const name of ['content-type', 'content-encoding', 'content-length', 'transfer-encoding']) {
    delete headers[name];
  }
}

function readHeaders({ headers }: IncomingMessage): BodyHeaders {
  const length = headers['content-length'];
  return {
    contentType: headers['content-type'],
    contentEncoding: headers['content-encoding'],
    contentLength: length === undefined ? undefined : Number(length),
  };
}

function pathOf(url: string): string {
  return url.split('?', 1)[0] ?? '/';
}

function isDecodable(path: string): boolean {
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}
