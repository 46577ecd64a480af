import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** The header with the token of an action. A page of another origin cannot send it without permission. @internal */
export const ACTION_HEADER = 'x-hypercache-inspector';

/** Whether the browser reports that a page of this same origin sends the request. @internal */
export function isOfSameOrigin({ headers }: IncomingMessage): boolean {
  const { origin, host } = headers;
  if (origin === undefined || !URL.canParse(origin)) return false;
  const site = headers['sec-fetch-site'];
  // A proxy may change the host of the request, and does not touch this header.
  if (site !== undefined) return site === 'same-origin';
  return new URL(origin).host === host;
}

/** @internal */
export function hasToken({ headers }: IncomingMessage, token: string): boolean {
  const given = headers[ACTION_HEADER];
  return typeof given === 'string' && timingSafeEqual(hash(given), hash(token));
}

/**
 * Whether a request names this machine as a local client does. The name of another site's page may lead here as well.
 *
 * @internal
 */
export function isForLoopback({ headers }: IncomingMessage): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i.test(headers.host ?? '');
}

/** Hashes have the same length. */
function hash(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
