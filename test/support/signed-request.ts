import { createHash, createHmac, randomUUID } from 'node:crypto';
import { TOKEN } from './api-client.js';

/** What a test signs; it follows docs/signed-requests.md, not the code. */
export interface ToSign {
  readonly method: string;
  /** Of the request, with its query. */
  readonly url: string;
  readonly body?: string | Uint8Array;
  /** Unix ms. */
  readonly timestamp?: number;
  readonly nonce?: string;
  readonly token?: string;
  /** The node that it is for; the primary if none is named. */
  readonly node?: string;
}

/** The headers of a signed request. */
export function signed({
  method,
  url,
  body = '',
  timestamp = Date.now(),
  nonce = randomUUID(),
  token = TOKEN,
  node,
}: ToSign): Record<string, string> {
  const { pathname, search } = new URL(url);
  const bodyHash = createHash('sha256').update(body).digest('hex');
  const named = node === undefined ? [] : [node];
  const text = [method, pathname + search, timestamp, nonce, bodyHash, ...named].join('\n');
  return {
    'x-hypercache-timestamp': String(timestamp),
    'x-hypercache-nonce': nonce,
    'x-hypercache-content-sha256': bodyHash,
    'x-hypercache-signature': createHmac('sha256', token).update(text).digest('hex'),
    ...(node === undefined ? {} : { 'x-hypercache-node': node }),
  };
}
