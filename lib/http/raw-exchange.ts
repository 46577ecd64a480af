import type { IncomingMessage, ServerResponse } from 'node:http';

/** Node's request behind Fastify's. Express' request is already Node's. @internal */
export function rawRequest(request: unknown): IncomingMessage {
  return (isRecord(request) && 'raw' in request ? request.raw : request) as IncomingMessage;
}

/**
 * Node's response behind the platform's. From now on, only we write it: no hook, serializer or interceptor of the host touches
 * it.
 *
 * @internal
 */
export function rawResponse(response: unknown): ServerResponse {
  if (isRecord(response) && 'raw' in response && typeof response['hijack'] === 'function') {
    response['hijack']();
    return response.raw as ServerResponse;
  }
  return response as ServerResponse;
}

/** As {@link rawResponse}, while the platform may still answer itself: for headers of any answer. @internal */
export function rawHead(response: unknown): ServerResponse {
  return (isRecord(response) && 'raw' in response ? response.raw : response) as ServerResponse;
}

/** The path and the query as sent. @internal */
export function rawUrl(request: IncomingMessage): string {
  const original: unknown = Reflect.get(request, 'originalUrl');
  return typeof original === 'string' ? original : (request.url ?? '/');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
