import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { ServerResponse } from 'node:http';
import type { HyperCacheError } from '../common/errors.js';
import { PROTOCOL_VERSION } from '../cluster/wire/sync-endpoint.js';
import { RETRY_AFTER, statusOf } from './status-table.js';
import { jsonText } from './json-text.js';
import { rawResponse } from './raw-exchange.js';

/** Part of each of our answers, and of none of the host's. @internal */
export const PROTOCOL_HEADER = 'x-hypercache';

/** The content type between nodes. @internal */
export const SYNC_CONTENT_TYPE = 'application/vnd.hypercache';

/** How long the rest of an unwanted body is read and discarded, so that its sender can read the answer. */
const LINGER_MS = 1000;

/** How long a receiver may read nothing of a file. The file stays on the disk until it is sent. */
const STALL_MS = 60_000;

/** @internal */
export function answerJson(response: unknown, body: unknown, status = 200): void {
  send(rawResponse(response), status, 'application/json; charset=utf-8', jsonText(body));
}

/** @internal */
export function answerBytes(response: unknown, body: Buffer): void {
  send(rawResponse(response), 200, SYNC_CONTENT_TYPE, body);
}

/** `{ code, message }` with the status of the code. @internal */
export function answerError(response: unknown, error: HyperCacheError): void {
  const raw = rawResponse(response);
  const status = statusOf(error.code);
  const retryAfter = RETRY_AFTER[status];
  if (retryAfter !== undefined && !raw.headersSent) raw.setHeader('retry-after', retryAfter);
  answerJson(response, { code: error.code, message: error.message }, status);
}

/** The host refused the request. The answer is the host's, and must not look like ours. @internal */
export function answerForHost(response: unknown, body: unknown, status: number): void {
  const raw = rawResponse(response);
  const text = JSON.stringify(
    typeof body === 'string' ? { statusCode: status, message: body } : body,
  );
  if (raw.headersSent) return abandon(raw);
  raw.statusCode = status;
  raw.setHeader('content-type', 'application/json; charset=utf-8');
  raw.setHeader('cache-control', 'no-store');
  raw.end(text);
}

/**
 * Prepares an answer without an end: no buffering on the way, no timeouts. The headers are sent with the first byte or with
 * `flushHeaders()`.
 *
 * @internal
 */
export function beginStream(response: unknown): ServerResponse {
  const raw = rawResponse(response);
  setHead(raw, 200, SYNC_CONTENT_TYPE);
  raw.setHeader('x-accel-buffering', 'no');
  raw.socket?.setNoDelay(true);
  raw.socket?.setTimeout(0);
  return raw;
}

/**
 * Sends a file as fast as its receiver reads it. Resolves when everything is sent, or the receiver disconnects or stalls.
 *
 * @internal
 */
export async function answerFile(
  response: unknown,
  path: string,
  bytes: number,
  stallMs = STALL_MS,
): Promise<void> {
  const raw = rawResponse(response);
  setHead(raw, 200, 'application/octet-stream');
  raw.setHeader('content-length', bytes);
  // One long answer: a server that stops need not wait for later requests on the connection.
  raw.setHeader('connection', 'close');
  raw.setTimeout(stallMs, () => raw.destroy());
  // When the disk is slow, the receiver then sees a truncated answer, not a missing one.
  raw.flushHeaders();
  try {
    await pipeline(createReadStream(path), raw);
  } catch {
    // A receiver that disconnects has noticed. One that stays sees an answer that is too short.
    raw.destroy();
  }
}

function send(raw: ServerResponse, status: number, type: string, body: string | Buffer): void {
  if (raw.headersSent) return abandon(raw);
  setHead(raw, status, type);
  raw.removeHeader('x-accel-buffering');
  raw.setHeader('content-length', Buffer.byteLength(body));
  if (raw.req.complete) raw.end(body);
  else endAfterBody(raw, body);
}

function setHead(raw: ServerResponse, status: number, type: string): void {
  raw.statusCode = status;
  raw.setHeader(PROTOCOL_HEADER, String(PROTOCOL_VERSION));
  raw.setHeader('content-type', type);
  raw.setHeader('cache-control', 'no-store, no-transform');
}

/** A client that is still sending would lose the answer if the connection were closed immediately. */
function endAfterBody(raw: ServerResponse, body: string | Buffer): void {
  const end = (): void => {
    clearTimeout(timer);
    raw.end();
  };
  const timer = setTimeout(end, LINGER_MS).unref();
  raw.setHeader('connection', 'close');
  raw.write(body);
  raw.req.once('end', end).once('close', end).resume();
}

/** Part of the answer was sent. Only an abrupt end shows that it is incomplete. */
function abandon(raw: ServerResponse): void {
  if (!raw.writableEnded) raw.destroy();
}
