import type { IncomingMessage } from 'node:http';
import { InvalidRequestError, UnauthorizedError } from '../common/errors.js';
import { hashOfBody } from './request-signature.js';

const promised = new WeakMap<IncomingMessage, string>();

/** Notes the body hash of a signature that was checked before the body was read. The body must match it. @internal */
export function promiseBody(request: IncomingMessage, bodyHash: string): void {
  promised.set(request, bodyHash);
}

/**
 * @param body as read. The body that a parser of the host leaves over is not the signed one.
 * @throws {HC_UNAUTHORIZED | HC_REQUEST_INVALID} when it is not the body that the signature covers
 * @internal
 */
export function assertPromised(request: IncomingMessage, body: unknown): void {
  const bodyHash = promised.get(request);
  if (bodyHash === undefined) return;
  if (!Buffer.isBuffer(body)) {
    throw new InvalidRequestError(
      'The host application has parsed the body, so its signature cannot be checked.',
      'Remove its middleware from the path of the API, or set the option listen.',
    );
  }
  if (hashOfBody(body) !== bodyHash) throw new UnauthorizedError();
}
