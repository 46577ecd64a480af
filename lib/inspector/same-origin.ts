import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** Carries the token of an action; no page of another origin can send it without being asked. @internal */
export const ACTION_HEADER = 'x-hypercache-inspector';

/** Whether the browser says that a page of this very origin sends the request. @internal */
export function isOfSameOrigin({ headers }: IncomingMessage): boolean {
  const { origin, host } = headers;
  if (origin === undefined || !URL.canParse(origin)) return false;
  const site = headers['sec-fetch-site'];
  // A proxy may give the request another host, and does not touch this header.
  if (site !== undefined) return site === 'same-origin';
  return new URL(origin).host === host;
}

/** @internal */
export function hasToken({ headers }: IncomingMessage, token: string): boolean {
  const given = headers[ACTION_HEADER];
  return typeof given === 'string' && timingSafeEqual(hash(given), hash(token));
}

/** Whether a request names this machine as it can be named from itself: the name of a stranger's page may lead here, too. @internal */
export function isForLoopback({ headers }: IncomingMessage): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i.test(headers.host ?? '');
}

/** Of one length. */
function hash(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
