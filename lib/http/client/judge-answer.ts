import {
  PrimaryForeignError,
  PrimaryMismatchError,
  PrimaryRefusedError,
  type HyperCacheError,
} from '../../common/errors.js';
import { reviveError } from '../../common/revive-error.js';
import { PROTOCOL_VERSION } from '../../cluster/wire/sync-endpoint.js';

/** The relevant parts of an answer. @internal */
export interface Answer {
  readonly status: number;
  /** The header that only HyperCache sends. */
  readonly protocol: string | undefined;
  /** The body, unless it is a stream. */
  readonly text: string;
}

/** Hints on what to set, by the status of an answer that is not ours. */
const HINTS: { readonly [status: number]: string } = {
  200: 'Check that primaryUrl is the address of the primary, and that nothing in front of it rewrites answers; or give the primary the option listen.',
  401: "A guard of the primary's application refuses the request: exempt the API with controllerDecorators: [Public()], or whatever decorator the guard looks for, or give the primary the option listen.",
  404: "Add the global prefix of the primary's application to primaryUrl, give both nodes the same path, and give the primary an apiToken: without one it serves nothing.",
  413: 'Raise the limit for bodies of the proxy in front of the primary, or point primaryUrl past it.',
  429: "A throttler of the primary's application refuses the request: exempt the API with controllerDecorators: [SkipThrottle()], or give the primary the option listen.",
};
const HINT_REDIRECT = 'Write the address that it redirects to into primaryUrl.';
const HINT_GATEWAY = 'A proxy in front of the primary does not reach it: check that it runs.';
const HINT_OTHER =
  'Check that primaryUrl is the address of the primary, or give the primary the option listen.';

/**
 * The error in an answer of a primary; undefined when there is none.
 *
 * @param url for the message
 * @internal
 */
export function judgeAnswer(answer: Answer, url: string): HyperCacheError | undefined {
  const { status, protocol, text } = answer;
  if (protocol === undefined) {
    return new PrimaryForeignError(
      `The host application answered, not HyperCache: status ${status} from ${url}.`,
      hintFor(status),
    );
  }
  if (protocol !== String(PROTOCOL_VERSION)) {
    return new PrimaryMismatchError(
      `The node at ${url} speaks protocol ${protocol.slice(0, 20)}, this one ${PROTOCOL_VERSION}.`,
      'Run the same version of nestjs-hypercache on all nodes.',
    );
  }
  if (status === 200) return undefined;
  if (status === 401 || status === 429) return new PrimaryRefusedError(url);
  const { code, message } = parseError(text);
  if (code === 'HC_NOT_PRIMARY') {
    return new PrimaryMismatchError(
      `The node at ${url} answered as a secondary.`,
      'Point primaryUrl at the primary of the cluster.',
    );
  }
  return reviveError(code, message);
}

function hintFor(status: number): string {
  if (status >= 300 && status < 400) return HINT_REDIRECT;
  if (status >= 502 && status <= 504) return HINT_GATEWAY;
  return HINTS[status === 403 ? 401 : status] ?? HINT_OTHER;
}

function parseError(text: string): { code: string; message: string } {
  try {
    const { code, message }: { code?: unknown; message?: unknown } = Object(JSON.parse(text));
    return { code: String(code), message: String(message) };
  } catch {
    return { code: 'HC_INTERNAL', message: 'It gave no reason.' };
  }
}
