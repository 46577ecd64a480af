import type { ServerResponse } from 'node:http';

/** Allows nothing of another origin, nothing inline, and no frame. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'self'",
].join('; ');

const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  // Compression would hold the events back.
  'cache-control': 'no-store, no-transform',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  // The addresses contain keys.
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
};

/** @internal */
export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** @internal */
export function send(response: ServerResponse, { status, type, body, headers }: Answer): void {
  if (response.headersSent) return void response.destroy();
  setHead(response, status, type);
  for (const [name, value] of Object.entries(headers ?? {})) response.setHeader(name, value);
  response.setHeader('content-length', Buffer.byteLength(body));
  response.end(body);
}

/** Begins an answer of server-sent events. @internal */
export function beginEvents(response: ServerResponse): void {
  setHead(response, 200, 'text/event-stream; charset=utf-8');
  response.setHeader('x-accel-buffering', 'no');
  response.socket?.setTimeout(0);
  response.flushHeaders();
}

function setHead(response: ServerResponse, status: number, type: string): void {
  response.statusCode = status;
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
  response.setHeader('content-type', type);
}
