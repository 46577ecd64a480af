import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** The content that a signature covers, and that the headers carry. @internal */
export interface SignedRequest {
  readonly method: string;
  /** Path and query, as sent. */
  readonly url: string;
  /** Unix ms. */
  readonly timestamp: number;
  /** Never the same twice. */
  readonly nonce: string;
  /** SHA-256 of the body, as lower-case hexadecimal. */
  readonly bodyHash: string;
  /** The id of the node that the request is for, from its answers; undefined means the primary. */
  readonly node: string | undefined;
}

const HEADERS = {
  timestamp: 'x-hypercache-timestamp',
  nonce: 'x-hypercache-nonce',
  bodyHash: 'x-hypercache-content-sha256',
  signature: 'x-hypercache-signature',
} as const;

/** In a request, the id of the node that it is for. In answers to signed requests, the id of the node that answers. @internal */
export const NODE_HEADER = 'x-hypercache-node';

const EMPTY = Buffer.alloc(0);

/** @internal */
export function hashOfBody(body: Buffer = EMPTY): string {
  return createHash('sha256').update(body).digest('hex');
}

/** The headers of a signed request. @internal */
export function signatureHeaders(request: SignedRequest, token: string): Record<string, string> {
  return {
    [HEADERS.timestamp]: String(request.timestamp),
    [HEADERS.nonce]: request.nonce,
    [HEADERS.bodyHash]: request.bodyHash,
    [HEADERS.signature]: sign(request, token).toString('hex'),
    ...(request.node === undefined ? {} : { [NODE_HEADER]: request.node }),
  };
}

/** Whether a request claims to be signed. @internal */
export function isSigned(headers: IncomingHttpHeaders): boolean {
  return headers[HEADERS.signature] !== undefined;
}

/** Reads the headers of a signed request; undefined when they are malformed. It does not verify the signature. @internal */
export function readSignature(
  method: string,
  url: string,
  headers: IncomingHttpHeaders,
): { readonly request: SignedRequest; readonly signature: Buffer } | undefined {
  const timestamp = matching(headers[HEADERS.timestamp], /^[1-9]\d{0,14}$/);
  const nonce = matching(headers[HEADERS.nonce], /^[\w-]{16,64}$/);
  const bodyHash = matching(headers[HEADERS.bodyHash], /^[0-9a-f]{64}$/);
  const signature = matching(headers[HEADERS.signature], /^[0-9a-f]{64}$/);
  const named = headers[NODE_HEADER];
  const node = matching(named, /^[0-9a-f]{32}$/);
  if (timestamp === undefined || nonce === undefined) return undefined;
  if (named !== undefined && node === undefined) return undefined;
  if (bodyHash === undefined || signature === undefined) return undefined;
  return {
    request: { method, url, timestamp: Number(timestamp), nonce, bodyHash, node },
    signature: Buffer.from(signature, 'hex'),
  };
}

/** Takes as long for a wrong signature as for a right one, and for the first token as for the last. @internal */
export function isSignedByOneOf(
  tokens: readonly string[],
  request: SignedRequest,
  signature: Buffer,
): boolean {
  let matches = 0;
  for (const token of tokens) matches |= Number(timingSafeEqual(sign(request, token), signature));
  return matches === 1;
}

/** HMAC-SHA-256 with the token as its key. No field can contain the line feed that separates them. */
function sign(request: SignedRequest, token: string): Buffer {
  const { method, url, timestamp, nonce, bodyHash, node } = request;
  const fields = [method, url, timestamp, nonce, bodyHash, ...(node === undefined ? [] : [node])];
  return createHmac('sha256', token).update(fields.join('\n')).digest();
}

function matching(header: string | string[] | undefined, pattern: RegExp): string | undefined {
  return typeof header === 'string' && pattern.test(header) ? header : undefined;
}
