import { systemClock } from '../../common/clock.js';
import { systemRandom } from '../../common/random.js';
import { hashOfBody, signatureHeaders } from '../request-signature.js';

const NONCE_BYTES = 16;

/**
 * Makes the headers that sign a request which is sent now.
 *
 * @param url path and query, as sent
 * @param by the token, and the id of the node that the request is for, from its answers; undefined means the primary
 * @internal
 */
export function signRequest(
  method: string,
  url: string,
  body: Buffer | undefined,
  { token, node }: { readonly token: string; readonly node: string | undefined },
): Record<string, string> {
  const timestamp = systemClock.now();
  const nonce = systemRandom.hex(NONCE_BYTES);
  const bodyHash = hashOfBody(body);
  return signatureHeaders({ method, url, timestamp, nonce, bodyHash, node }, token);
}
