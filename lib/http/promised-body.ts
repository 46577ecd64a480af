import type { IncomingMessage } from 'node:http';
import { InvalidRequestError, UnauthorizedError } from '../common/errors.js';
import { hashOfBody } from './request-signature.js';

const promised = new WeakMap<IncomingMessage, string>();

/** A signature was checked before the body was read: what is read must be what was signed. @internal */
export function promiseBody(request: IncomingMessage, bodyHash: string): void {
  promised.set(request, bodyHash);
}

/**
 * @param body what is left of it when the host has parsed it is not what was signed
 * @throws {HC_UNAUTHORIZED | HC_REQUEST_INVALID} when it is not the body of which the signature speaks
 * @internal
 */
export function assertPromised(request: IncomingMessage, body: unknown): void {
  const bodyHash = promised.get(request);
  if (bodyHash === undefined) return;
  if (!Buffer.isBuffer(body)) {
    throw new InvalidRequestError(
      'The host application has parsed the body, so its signature cannot be checked.',
      'Take its middleware off the path of the API, or set the option listen.',
    );
  }
  if (hashOfBody(body) !== bodyHash) throw new UnauthorizedError();
}
