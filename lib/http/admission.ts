import type { IncomingMessage } from 'node:http';
import type { Clock } from '../common/clock.js';
import { promiseBody } from './promised-body.js';
import { rawUrl } from './raw-exchange.js';
import { isSigned, isSignedByOneOf, readSignature } from './request-signature.js';
import { ReplayWindow } from './replay-window.js';
import { TokenList } from './token-list.js';

/** Carries the token of a request. @internal */
export const TOKEN_HEADER = 'x-hypercache-token';

/**
 * Decides which requests come from somebody who knows a token. A signed request shows that without the token itself; it
 * is accepted also where nobody asks for signatures, so that nodes can change to them one after the other.
 *
 * @internal
 */
export class Admission {
  readonly #tokens: TokenList;
  readonly #replays: ReplayWindow;

  constructor(
    private readonly secrets: readonly string[],
    private readonly needsSignature: boolean,
    clock: Clock,
  ) {
    this.#tokens = new TokenList(secrets);
    this.#replays = new ReplayWindow(clock);
  }

  admits(request: IncomingMessage): boolean {
    if (isSigned(request.headers)) return this.#admitsSigned(request);
    return !this.needsSignature && this.#tokens.accepts(request.headers[TOKEN_HEADER]);
  }

  #admitsSigned(request: IncomingMessage): boolean {
    const signed = readSignature(request.method ?? '', rawUrl(request), request.headers);
    if (signed === undefined) return false;
    const { request: claim, signature } = signed;
    // A nonce is remembered only for who knows a token: nobody else can fill the memory.
    if (!isSignedByOneOf(this.secrets, claim, signature)) return false;
    if (!this.#replays.accepts(claim.nonce, claim.timestamp)) return false;
    promiseBody(request, claim.bodyHash);
    return true;
  }
}
