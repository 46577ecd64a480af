import type { OutgoingHttpHeaders } from 'node:http';
import { systemClock } from '../../common/clock.js';
import { isReadOnce } from '../read-once.js';
import { etagOf } from './etag.js';
import type { HttpResponse } from './http-response.js';
import { holdsInstances } from './outer-interceptors.js';
import type { RoutePlan } from './route-plan.js';
import { headersAdded, tokensOf, type StoredAnswer } from './stored-answer.js';

/** Why an answer is not stored, in the words of `Cache-Status`. @internal */
export type Unstored =
  | 'answered-by-hand'
  | 'aborted'
  | 'stream'
  | 'several-values'
  | 'set-cookie'
  | 'cache-control'
  | 'vary'
  | 'status'
  | 'too-large'
  | 'class-instance'
  | 'unsupported';

/** The answer that a handler has made. @internal */
export interface NewAnswer {
  readonly answer: StoredAnswer;
  /** The body as the handler returned it. */
  readonly body: unknown;
  /** Undefined when it may be stored. */
  readonly unstored: Unstored | undefined;
  /** Whether other requests that waited for it may receive it as well. */
  readonly isShareable: boolean;
}

/** The headers at the start of a handler, and how often it has emitted. @internal */
export interface Observed {
  readonly before: OutgoingHttpHeaders;
  readonly emissions: number;
}

/** Answers that other waiting requests must not receive. They belong to one client or can be read only once. */
const PERSONAL: ReadonlySet<Unstored> = new Set<Unstored>([
  'answered-by-hand',
  'aborted',
  'stream',
  'set-cookie',
  'cache-control',
  'vary',
  'class-instance',
  'unsupported',
]);

/** @internal */
export function newAnswer(
  plan: RoutePlan,
  response: HttpResponse,
  body: unknown,
  observed: Observed,
): NewAnswer {
  const headers = headersAdded(observed.before, response);
  const status = response.status;
  const { etag: ownTag, ...others } = headers;
  const shared = { hcHttp: 1, status, headers: others, at: systemClock.now() } as const;
  const unstored =
    reasonOf(response, body, observed.emissions) ??
    reasonOfHeaders(plan, others) ??
    (plan.statuses.has(status) ? undefined : 'status') ??
    (plan.outer.serialize && holdsInstances(body) ? 'class-instance' : undefined);
  const without = (reason: Unstored): NewAnswer => ({
    answer: { ...shared, etag: tagOf(ownTag), body },
    body,
    unstored: reason,
    isShareable: !PERSONAL.has(reason),
  });
  if (unstored !== undefined) return without(unstored);
  const content = contentOf(plan, response, body);
  if (content === undefined) return without('unsupported');
  const bytes = typeof content === 'string' ? Buffer.byteLength(content) : content.byteLength;
  if (bytes > plan.maxBytes) return without('too-large');
  const etag = tagOf(ownTag) ?? (plan.hasEtag ? etagOf(content) : undefined);
  const isBytes = content instanceof Uint8Array && content !== body;
  const answer: StoredAnswer = isBytes
    ? { ...shared, headers: { ...jsonType(response), ...others }, etag, bytes: content }
    : { ...shared, etag, body };
  return { answer, body, unstored: undefined, isShareable: true };
}

function reasonOf(response: HttpResponse, body: unknown, emissions: number): Unstored | undefined {
  if (isReadOnce(body)) return 'stream';
  if (response.hasAnswered) return 'answered-by-hand';
  // A client that has disconnected is no reason by itself. A handler with an empty result may have closed the connection.
  if (response.isClosed && body === undefined) return 'aborted';
  return emissions > 1 ? 'several-values' : undefined;
}

function reasonOfHeaders(plan: RoutePlan, headers: StoredAnswer['headers']): Unstored | undefined {
  if (headers['set-cookie'] !== undefined) return 'set-cookie';
  const directives = tokensOf(headers['cache-control']).map((each) => each.split('=', 1)[0]);
  const forbids = (directive: string): boolean => directives.includes(directive);
  if (forbids('no-store') || forbids('no-cache') || (forbids('private') && !plan.isScoped)) {
    return 'cache-control';
  }
  const vary = tokensOf(headers['vary']);
  return vary.length === 0 || (plan.covers(vary) && !vary.includes('*')) ? undefined : 'vary';
}

/** The content from which the size and the entity tag are computed; undefined when there is no such form. */
function contentOf(
  plan: RoutePlan,
  response: HttpResponse,
  body: unknown,
): string | Uint8Array | undefined {
  if (typeof body === 'string' || body instanceof Uint8Array) return body;
  try {
    if (plan.storesBytes && typeof body === 'object' && body !== null) {
      const bytes = response.serialize(body);
      if (bytes !== undefined) return bytes;
    }
    return JSON.stringify(body) ?? '';
  } catch {
    return undefined;
  }
}

/** Unless the handler or `@Header()` has set another one. */
function jsonType(response: HttpResponse): StoredAnswer['headers'] {
  return response.get('content-type') === undefined
    ? { 'content-type': 'application/json; charset=utf-8' }
    : {};
}

function tagOf(header: string | readonly string[] | undefined): string | undefined {
  return header === undefined ? undefined : String(header);
}
