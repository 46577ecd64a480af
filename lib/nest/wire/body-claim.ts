import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpServer } from '@nestjs/common';
import { InvalidRequestError } from '../../common/errors.js';
import { answerError } from '../../http/answer.js';
import type { ApiPaths } from './api-paths.js';

/** The headers that describe how a body is framed and encoded. @internal */
export interface BodyHeaders {
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  /** Bytes; undefined when the body comes in chunks. */
  readonly contentLength: number | undefined;
}

type Next = (error?: unknown) => void;

/** Fastify finds the route first. */
interface RoutedRequest {
  readonly raw: IncomingMessage;
  /** The path as it was registered; undefined when no route matched. */
  readonly routeOptions: { readonly url?: string };
}

/** The part of Fastify's instance that we use. */
interface HookableServer {
  addHook(
    name: 'onRequest',
    hook: (request: RoutedRequest, reply: unknown, done: Next) => void,
  ): void;
}

const claimed = new WeakMap<IncomingMessage, BodyHeaders>();

/**
 * Keeps the body parsers of the host, with their limits and content types, away from the bodies of our requests. The headers
 * that announce a body are set aside before any parser reads them. The body stays in the request, and is read once the token is
 * checked.
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

/** The headers of a body, whether or not it is claimed. @internal */
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
