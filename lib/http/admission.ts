import type { IncomingMessage, ServerResponse } from 'node:http';
import { promiseBody } from './promised-body.js';
import { rawUrl } from './raw-exchange.js';
import { isSigned, isSignedByOneOf, NODE_HEADER, readSignature } from './request-signature.js';
import type { ReplayWindow } from './replay-window.js';
import { TokenList } from './token-list.js';

/** The header with the token of a request. @internal */
export const TOKEN_HEADER = 'x-hypercache-token';

/** A request and its response. @internal */
export interface RawExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/**
 * Decides which requests come from a client that knows a token. A signed request proves that without sending the token. It is
 * accepted even where signatures are not required, so that nodes can switch to them one after the other.
 *
 * @internal
 */
export class Admission {
  readonly #tokens: TokenList;

  constructor(
    private readonly secrets: readonly string[],
    private readonly needsSignature: boolean,
    private readonly replays: ReplayWindow,
  ) {
    this.#tokens = new TokenList(secrets);
  }

  admits({ request, response }: RawExchange): boolean | Promise<boolean> {
    if (isSigned(request.headers)) return this.#admitsSigned(request, response);
    return !this.needsSignature && this.#tokens.accepts(request.headers[TOKEN_HEADER]);
  }

  #admitsSigned(request: IncomingMessage, response: ServerResponse): boolean | Promise<boolean> {
    const signed = readSignature(request.method ?? '', rawUrl(request), request.headers);
    if (signed === undefined) return false;
    const { request: claim, signature } = signed;
    // A nonce is remembered only for a client that knows a token: no other client can fill the memory.
    if (!isSignedByOneOf(this.secrets, claim, signature)) return false;
    promiseBody(request, claim.bodyHash);
    const answer = (isAccepted: boolean): boolean => {
      // Also set when the request is refused: its sender must learn which node to name.
      response.setHeader(NODE_HEADER, this.replays.node);
      return isAccepted;
    };
    const accepted = this.replays.accepts(claim);
    return typeof accepted === 'boolean' ? answer(accepted) : accepted.then(answer);
  }
}
